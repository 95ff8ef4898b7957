/** Carries 1.x's network messages out. */
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { ARPNeighbor, Interface, Route } from '@kata-containers/common/generated/types';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { GrpcError } from '../errors/grpc-error.ts';
import { checkName, interfaceRequests, neighbourRequests, routeRequests } from './network-plan.ts';
import { RouteSocket } from './route-socket.ts';
import { deleteAddress, linkDown, linkOfAddress } from './rtnetlink-message.ts';

type Calls = Pick<Kernel, 'openRouteSocket'>;

/** @throws GrpcError */
function indexOf(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${checkName(name)}/ifindex`, 'latin1'));
  } catch (error) {
    if (error instanceof GrpcError) throw error;
    throw new GrpcError(status.INTERNAL, `no network interface ${name}`);
  }
}

function withSocket(kernel: Calls, use: (socket: RouteSocket) => void): void {
  const socket = new RouteSocket(kernel);
  try {
    use(socket);
  } finally {
    socket.close();
  }
}

/** A device is renamed and given new addresses while it is down. Its hardware address only changes if it was a spare one. @throws GrpcError */
export function setInterface(current: string, wanted: Interface, kernel: Calls): void {
  const index = indexOf(current);
  const requests = interfaceRequests(current, index, wanted);
  withSocket(kernel, (socket) => {
    socket.carryOut({ what: `interface ${current}`, message: linkDown(index) });
    for (const payload of socket.addresses().filter((row) => linkOfAddress(row) === index))
      socket.carryOut({ what: `old address of ${current}`, message: deleteAddress(payload) });
    for (const request of requests) socket.carryOut(request);
  });
}

/** @throws GrpcError */
export function addRoutes(routes: readonly Route[], kernel: Calls): void {
  const requests = routeRequests(routes, indexOf);
  withSocket(kernel, (socket) => requests.forEach((request) => socket.carryOut(request)));
}

/** @throws GrpcError */
export function addNeighbours(neighbours: readonly ARPNeighbor[], kernel: Calls): void {
  const requests = neighbourRequests(neighbours, indexOf);
  withSocket(kernel, (socket) => requests.forEach((request) => socket.carryOut(request)));
}
