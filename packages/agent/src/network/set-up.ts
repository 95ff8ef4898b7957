/** Carries out 1.x's network messages. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ARPNeighbor, Interface } from '@kata-containers/common/generated/types';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { GrpcError } from '../errors/grpc-error.ts';
import { writeLinkSysctls } from './link-sysctls.ts';
import { checkName, interfaceRequests, neighbourRequests } from './network-plan.ts';
import { RouteSocket } from './route-socket.ts';
import { deleteAddress, linkDown, linkOfAddress } from './rtnetlink-message.ts';

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
    for (const request of requests) socket.carryOut(request);
  });
  return refused;
}

/** @throws GrpcError */
export function addNeighbours(neighbours: readonly ARPNeighbor[], kernel: Calls): void {
  const requests = neighbourRequests(neighbours, indexOf);
  withSocket(kernel, (socket) => requests.forEach((request) => socket.carryOut(request)));
}
