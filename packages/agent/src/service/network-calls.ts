/** Network interfaces and routes of the guest. */
import { status } from '@grpc/grpc-js';
import type { Interface } from '@kata-containers/common/generated/types';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Reaper } from '../processes/reaper.ts';
import { runProgram } from '../processes/program.ts';
import { waitForLink } from '../network/find-link.ts';
import { addNeighbours, addRoutes, setInterface } from '../network/set-up.ts';
import type { KernelOptions } from '../start-up/parse-kernel-options.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { AgentHandlers } from './handlers.ts';

/** Routes of an earlier UpdateRoutes; routes that an address implies stay. */
const FLUSH = 'route flush proto boot\nroute flush proto static\n';

/** 1.x's text for a request without the required field. @throws GrpcError */
function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new GrpcError(status.INVALID_ARGUMENT, what);
  return value;
}

export function networkCalls(options: KernelOptions, kernel: Pick<Kernel, 'openRouteSocket'>, reaper: Reaper) {
  // A new guest has no such routes, and running a program would slow its start.
  let hasRoutes = false;
  const flush = async (): Promise<void> => {
    for (const family of ['-4', '-6']) await runProgram(reaper, 'ip', [family, '-force', '-batch', '-'], FLUSH).catch(() => {});
  };
  const findLink = async ({ hwAddr, pciPath }: Interface): Promise<string> => {
    if (pciPath !== '') (await import('../devices/find-device.ts')).rescanPci();
    return waitForLink(hwAddr, options.hotplugTimeoutMs);
  };
  return {
    updateInterface: async (request) => {
      const wanted = needed(request.interface, 'Need network interface');
      needed(wanted.hwAddr || undefined, 'Interface HwAddr empty');
      setInterface(await findLink(wanted), wanted, kernel);
      return wanted;
    },
    updateRoutes: async (request) => {
      const { Routes, Multipath } = needed(request.routes, 'Need network routes');
      const wanted = [...Routes, ...Multipath];
      if (hasRoutes) await flush();
      hasRoutes = wanted.length > 0;
      addRoutes(wanted, kernel);
      return { Routes, Multipath };
    },
    addARPNeighbors: ({ neighbors }) => addNeighbours(neighbors?.ARPNeighbors ?? [], kernel),
    listInterfaces: async () => {
      const { listInterfaces } = await import('../network/list-network.ts');
      return { Interfaces: await listInterfaces(reaper) };
    },
    listRoutes: async () => {
      const { listRoutes } = await import('../network/list-network.ts');
      return { Routes: await listRoutes(reaper), Multipath: [] };
    },
  } satisfies Partial<AgentHandlers>;
}
