/** Network interfaces and routes of the guest. */
import { status } from '@grpc/grpc-js';
import type * as agent from '@kata-containers/common/generated/agent';
import type { Interface } from '@kata-containers/common/generated/types';
import type { Reaper } from '../containers/reaper.ts';
import { runProgram } from '../containers/program.ts';
import { waitForLink } from '../network/find-link.ts';
import { interfaceBatch, neighboursBatch, routesBatch } from '../network/ip-batch-plan.ts';
import type { KernelOptions } from '../start-up/parse-kernel-options.ts';
import { GrpcError } from './grpc-error.ts';
import type { Handlers } from './server.ts';

/** Routes of an earlier UpdateRoutes; those that come with an address stay. */
const FLUSH = ['route flush proto boot', 'route flush proto static'];

export function networkCalls(options: KernelOptions, reaper: Reaper): Handlers {
  const run = (words: readonly string[], lines: readonly string[]): Promise<string> =>
    runProgram(reaper, 'ip', [...words, '-batch', '-'], lines.map((line) => `${line}\n`).join(''));
  const batch = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    await run([], lines).catch((error: unknown) => {
      throw new GrpcError(status.INTERNAL, error instanceof Error ? error.message : String(error));
    });
  };
  // A fresh guest has no such routes, and every program it need not run makes its start shorter.
  let hasRoutes = false;
  const flush = async (): Promise<void> => {
    if (hasRoutes) for (const family of ['-4', '-6']) await run([family, '-force'], FLUSH).catch(() => {});
    hasRoutes = true;
  };
  return {
    updateInterface: async ({ interface: wanted }: agent.UpdateInterfaceRequest): Promise<Interface> => {
      if (!wanted || wanted.hwAddr === '') throw new GrpcError(status.INVALID_ARGUMENT, 'interface without a hardware address');
      const name = await waitForLink(wanted.hwAddr, options.hotplugTimeoutMs);
      await batch(interfaceBatch(name, wanted));
      return wanted;
    },
    updateRoutes: async ({ routes }: agent.UpdateRoutesRequest): Promise<agent.Routes> => {
      const wanted = routes?.Routes ?? [];
      await flush();
      await batch(routesBatch(wanted));
      return { Routes: wanted };
    },
    addArpNeighbors: ({ neighbors }: agent.AddARPNeighborsRequest) => batch(neighboursBatch(neighbors?.ARPNeighbors ?? [])),
  };
}
