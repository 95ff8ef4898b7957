/**
 * Docker's resolver queries external servers from the container's network namespace, where tcfilter redirects every frame to the VM. These
 * filters keep the resolver's answers in the namespace. Pure: text for tc(8).
 */

/**
 * 256 local ports of the namespace: above those that a guest's kernel chooses (32768 to 60999), and aligned to their
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
const ICMPV6 = 58;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** `flowid` without an action ends the classification: the frame continues to the namespace's own stack. */
const passAnswers = (link: string, { ethertype, match, priority }: Family, protocol: number): string =>
  `filter add dev ${link} parent ffff: protocol ${ethertype} prio ${priority} u32 match ${match} protocol ${protocol} 0xff` +
  ` match ${match} sport ${DNS_PORT} 0xffff match ${match} dport ${FIRST_PORT} ${hex(PORT_MASK)} flowid 1:1`;

/** Keywords of tc-u32(8). All filters of a priority must have the same EtherType. */
interface Family {
  readonly ethertype: string;
  readonly match: string;
  readonly priority: number;
}
const IPV4: Family = { ethertype: 'ip', match: 'ip', priority: 2 };
const IPV6: Family = { ethertype: 'ipv6', match: 'ip6', priority: 3 };

/** RFC 4861: ICMPv6 type of the answer that has a neighbour's hardware address; the type is the first byte after the 40-byte header. */
const NEIGHBOUR_ADVERTISEMENT = 136;

/**
 * The VM and the namespace have the same address: both need ARP replies (operation 2, at byte 6 of RFC 826's packet) and neighbour
 * advertisements.
 */
export const resolverFilters = (link: string, tap: string): string[] => [
  `filter add dev ${link} parent ffff: protocol arp prio 1 u32 match u16 0x0002 0xffff at 6 action mirred egress mirror dev ${tap}`,
  ...[IPV4, IPV6].flatMap((family) => [UDP, TCP].map((protocol) => passAnswers(link, family, protocol))),
  `filter add dev ${link} parent ffff: protocol ipv6 prio ${IPV6.priority} u32 match ip6 protocol ${ICMPV6} 0xff` +
    ` match u8 ${NEIGHBOUR_ADVERTISEMENT} 0xff at 40 action mirred egress mirror dev ${tap}`,
];
