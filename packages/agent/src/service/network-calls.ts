/** Network interfaces and routes of the guest. */
import { status } from '@grpc/grpc-js';
import type { Interface } from '@kata-containers/common/generated/types';
import type { Machine } from '../containers/sandbox.ts';
import { runProgram } from '../processes/program.ts';
import { LinkSearch } from '../network/find-link.ts';
import { AddedRoutes } from '../network/added-routes.ts';
import { addNeighbours, setInterface } from '../network/set-up.ts';
import type { KernelOptions } from '../start-up/parse-kernel-options.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { AgentHandlers } from './handlers.ts';

/** For a runtime of 1.x, which expects that all routes are replaced; routes that an address implies stay. */
const FLUSH = 'route flush proto boot\nroute flush proto static\n';

/** 1.x's text for a request without the required field. @throws GrpcError */
function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new GrpcError(status.INVALID_ARGUMENT, what);
  return value;
}

export function networkCalls(options: KernelOptions, { kernel, reaper, log }: Pick<Machine, 'kernel' | 'reaper' | 'log'>) {
  // A new guest has no routes to flush, and each program that it does not run shortens its start.
  let hasRoutes = false;
  const added = new AddedRoutes(kernel);
  const flush = async (): Promise<void> => {
    for (const family of ['-4', '-6']) await runProgram(reaper, 'ip', [family, '-force', '-batch', '-'], FLUSH).catch(() => {});
  };
  const search = new LinkSearch();
  const findLink = async (wanted: Interface): Promise<string> => {
    const atPath = wanted.pciPath === '' ? undefined : (await import('../devices/find-device.ts')).pciLinks(wanted.pciPath);
    return search.wait(wanted, options.hotplugTimeoutMs, atPath);
  };
  return {
    updateInterface: async (request) => {
      const wanted = needed(request.interface, 'Need network interface');
      needed(wanted.hwAddr || undefined, 'Interface HwAddr empty');
      const current = await findLink(wanted);
      for (const refused of setInterface(current, wanted, kernel))
        log.warn('a sysctl of the interface was not set', { interface: wanted.name, sysctl: refused });
      search.configured(wanted.name === '' ? current : wanted.name);
      return wanted;
    },
    updateRoutes: async (request) => {
      const routes = needed(request.routes, 'Need network routes');
      const { Routes, Multipath, Policy } = routes;
      if (!Policy && hasRoutes) await flush();
      hasRoutes = true;
      if (Policy) added.replace([...Routes, ...Multipath, ...Policy.routes], Policy.rules);
      else added.add([...Routes, ...Multipath]);
      return routes;
    },
    addARPNeighbors: ({ neighbors }) => addNeighbours(neighbors?.ARPNeighbors ?? [], kernel),
    listInterfaces: async () => {
      const { listInterfaces } = await import('../network/list-network.ts');
      return { Interfaces: await listInterfaces(reaper) };
    },
    listRoutes: async () => {
      const { listRoutes } = await import('../network/list-network.ts');
      return { Routes: await listRoutes(reaper), Multipath: [], Policy: undefined };
    },
  } satisfies Partial<AgentHandlers>;
}
