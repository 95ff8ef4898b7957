/** Network interfaces and routes of the guest. */
import { status } from '@grpc/grpc-js';
import type * as agent from '@kata-containers/common/generated/agent';
import type { Interface } from '@kata-containers/common/generated/types';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Reaper } from '../containers/reaper.ts';
import { runProgram } from '../containers/program.ts';
import { waitForLink } from '../network/find-link.ts';
import { interfaceBatch, neighboursBatch, routesBatch } from '../network/ip-batch-plan.ts';
import type { KernelOptions } from '../start-up/parse-kernel-options.ts';
import { GrpcError } from './grpc-error.ts';
import type { Handlers } from './server.ts';

/** Routes of an earlier UpdateRoutes; those that come with an address stay. */
const FLUSH = ['route flush proto boot', 'route flush proto static'];

/** 1.x's words for a request without its part. @throws GrpcError */
function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new GrpcError(status.INVALID_ARGUMENT, what);
  return value;
}

export function networkCalls(options: KernelOptions, reaper: Reaper): Handlers {
  const run = (words: readonly string[], lines: readonly string[]): Promise<string> =>
    runProgram(reaper, 'ip', [...words, '-batch', '-'], lines.map((line) => `${line}\n`).join(''));
  const batch = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    await run([], lines).catch((error: unknown) => {
      throw new GrpcError(status.INTERNAL, errorMessage(error));
    });
  };
  // A fresh guest has no such routes, and every program it need not run makes its start shorter.
  let hasRoutes = false;
  const flush = async (): Promise<void> => {
    if (hasRoutes) for (const family of ['-4', '-6']) await run([family, '-force'], FLUSH).catch(() => {});
    hasRoutes = true;
  };
  const findLink = async ({ hwAddr, pciPath }: Interface): Promise<string> => {
    if (pciPath !== '') (await import('../devices/find-device.ts')).rescanPci();
    return waitForLink(hwAddr, options.hotplugTimeoutMs);
  };
  return {
    updateInterface: async (request: agent.UpdateInterfaceRequest): Promise<Interface> => {
      const wanted = needed(request.interface, 'Need network interface');
      needed(wanted.hwAddr || undefined, 'Interface HwAddr empty');
      await batch(interfaceBatch(await findLink(wanted), wanted));
      return wanted;
    },
    updateRoutes: async (request: agent.UpdateRoutesRequest): Promise<agent.Routes> => {
      const wanted = needed(request.routes, 'Need network routes').Routes;
      await flush();
      await batch(routesBatch(wanted));
      return { Routes: wanted };
    },
    addARPNeighbors: ({ neighbors }: agent.AddARPNeighborsRequest) => batch(neighboursBatch(neighbors?.ARPNeighbors ?? [])),
    listInterfaces: async (): Promise<agent.Interfaces> => {
      const { listInterfaces } = await import('../network/list-network.ts');
      return { Interfaces: await listInterfaces(reaper) };
    },
    listRoutes: async (): Promise<agent.Routes> => {
      const { listRoutes } = await import('../network/list-network.ts');
      return { Routes: await listRoutes(reaper) };
    },
  };
}
