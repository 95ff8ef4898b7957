/**
 * Docker's resolver asks the servers outside from the container's network namespace, where tcfilter hands every frame to the VM. These
 * filters leave the namespace its answers. Pure: text for tc(8).
 */

/**
 * Local ports of the namespace, 256 of them: above those that a guest's kernel chooses (32768 to 60999), and a multiple of their
 * number, so that one mask matches all.
 */
const FIRST_PORT = 61440;
const PORTS = 256;
const PORT_MASK = 0xffff - (PORTS - 1);

/** net.ipv4.ip_local_port_range of the namespace. */
export const RESOLVER_PORT_RANGE = `${FIRST_PORT} ${FIRST_PORT + PORTS - 1}`;

const DNS_PORT = 53;
const UDP = 17;
const TCP = 6;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** `flowid` without an action ends the classification: the frame goes on to the namespace's own stack. */
const passAnswers = (link: string, protocol: number): string =>
  `filter add dev ${link} parent ffff: protocol ip prio 2 u32 match ip protocol ${protocol} 0xff` +
  ` match ip sport ${DNS_PORT} 0xffff match ip dport ${FIRST_PORT} ${hex(PORT_MASK)} flowid 1:1`;

/** ARP replies (operation 2, at byte 6 of RFC 826's packet) are for both: the VM and the namespace have one address. */
export const resolverFilters = (link: string, tap: string): string[] => [
  `filter add dev ${link} parent ffff: protocol arp prio 1 u32 match u16 0x0002 0xffff at 6 action mirred egress mirror dev ${tap}`,
  passAnswers(link, UDP),
  passAnswers(link, TCP),
];
