/** Carries out 1.x's network messages. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ARPNeighbor, Interface } from '@kata-containers/common/generated/types';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { isLinkLocal, linkLocalOf } from '@kata-containers/common/network/link-local';
import { GrpcError } from '../errors/grpc-error.ts';
import { writeLinkSysctls } from './link-sysctls.ts';
import { checkName, interfaceRequests, neighbourRequests } from './network-plan.ts';
import { RouteSocket } from './route-socket.ts';
import { deleteAddress, linkDown, linkOfAddress, renameLink } from './rtnetlink-message.ts';

export type Calls = Pick<Kernel, 'openRouteSocket'>;

/** @throws GrpcError */
export function indexOf(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${checkName(name)}/ifindex`, 'latin1'));
  } catch (error) {
    if (error instanceof GrpcError) throw error;
    throw new GrpcError(status.INTERNAL, `no network interface ${name}`);
  }
}

export function withSocket(kernel: Calls, use: (socket: RouteSocket) => void): void {
  const socket = new RouteSocket(kernel);
  try {
    use(socket);
  } finally {
    socket.close();
  }
}

/**
 * Copies the IPv6 settings of the link from the namespace on the host, before the link is up: otherwise a router advertisement would give
 * an address and a default route to a guest whose network has no IPv6. `settings` is the link's directory of sysctls.
 */
function setIpv6(settings: string, { no_ipv6, accept_ra }: Pick<Interface, 'no_ipv6' | 'accept_ra'>): void {
  if (!existsSync(settings)) return; // a kernel without IPv6
  writeFileSync(`${settings}/accept_ra`, accept_ra ? '1' : '0');
  writeFileSync(`${settings}/disable_ipv6`, no_ipv6 ? '1' : '0');
}

/**
 * Sets the IPv6 settings of a namespace once. `all` changes the settings of every link, so it is written before the first interface is
 * configured. `directory` is /proc/sys/net/ipv6/conf.
 */
function setIpv6OfNamespace(directory: string, off: readonly string[]): void {
  const all = `${directory}/all/disable_ipv6`;
  if (off.length === 0 || !existsSync(all) || readFileSync(all, 'latin1').trim() === '1') return;
  for (const name of ['all', 'default', 'lo']) writeFileSync(`${directory}/${name}/disable_ipv6`, off.includes(name) ? '1' : '0');
}

/** Values of the sysctl addr_gen_mode (ip-sysctl.rst). */
const ADDRESS_FROM_MAC = '0';
const NO_ADDRESS = '1';

/** `settings` is /proc/sys/net/ipv6/conf. */
function setAddressMode(settings: string, link: string, mode: string): void {
  const file = `${settings}/${link}/addr_gen_mode`;
  if (existsSync(file)) writeFileSync(file, mode); // missing in a kernel without IPv6
}

/**
 * Carries out requests that set the addresses of a link. The kernel would add a link-local address by itself, which it does not use before
 * it has searched for duplicates for a second. If the request has link-local addresses, the kernel adds none, or continues to add the one
 * that the request has, after the link was down.
 */
function withLinkLocal(wanted: Interface, current: string, apply: () => void): void {
  const { name, hwAddr, IPAddresses, sysctls } = wanted;
  const addresses = IPAddresses.map(({ address }) => address).filter(isLinkLocal);
  if (addresses.length === 0) return apply();
  const settings = '/proc/sys/net/ipv6/conf';
  setAddressMode(settings, current, NO_ADDRESS);
  apply();
  if (addresses.includes(linkLocalOf(hwAddr)) && sysctls['ipv6/conf/addr_gen_mode'] === undefined)
    setAddressMode(settings, name === '' ? current : name, ADDRESS_FROM_MAC);
}

/**
 * Gives another name to the device that has the name `wanted`: the guest's kernel has named the devices in another order than the host.
 * That device is down until its own request.
 */
function freeName(socket: RouteSocket, current: string, wanted: string): void {
  if (wanted === '' || wanted === current || !existsSync(`/sys/class/net/${checkName(wanted)}`)) return;
  const index = indexOf(wanted);
  socket.carryOut({ what: `interface ${wanted}`, message: linkDown(index) });
  socket.carryOut({ what: `interface ${wanted}`, message: renameLink(index, `unnamed${index}`) });
}

/**
 * Renames a device and sets its addresses while it is down. Only a spare device gets another hardware address.
 * @returns the sysctls that the device does not have, each with the reason. @throws GrpcError
 */
export function setInterface(current: string, wanted: Interface, kernel: Calls): string[] {
  const index = indexOf(current);
  const requests = interfaceRequests(current, index, wanted);
  let refused: string[] = [];
  withSocket(kernel, (socket) => {
    socket.carryOut({ what: `interface ${current}`, message: linkDown(index) });
    for (const payload of socket.addresses().filter((row) => linkOfAddress(row) === index))
      socket.carryOut({ what: `old address of ${current}`, message: deleteAddress(payload) });
    setIpv6OfNamespace('/proc/sys/net/ipv6/conf', wanted.no_ipv6_of);
    setIpv6(`/proc/sys/net/ipv6/conf/${current}`, wanted);
    refused = writeLinkSysctls('/proc/sys/net', current, wanted.sysctls);
    freeName(socket, current, wanted.name);
    withLinkLocal(wanted, current, () => requests.forEach((request) => socket.carryOut(request)));
  });
  return refused;
}

/** @throws GrpcError */
export function addNeighbours(neighbours: readonly ARPNeighbor[], kernel: Calls): void {
  const requests = neighbourRequests(neighbours, indexOf);
  withSocket(kernel, (socket) => requests.forEach((request) => socket.carryOut(request)));
}
