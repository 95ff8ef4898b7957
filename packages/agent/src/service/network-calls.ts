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

/** Routes that a fresh interface does not bring itself; those of an earlier UpdateRoutes go. */
const FLUSH = ['route flush proto boot', 'route flush proto static', '-6 route flush proto boot', '-6 route flush proto static'];

export function networkCalls(options: KernelOptions, reaper: Reaper): Handlers {
  const batch = async (lines: readonly string[], force = false): Promise<void> => {
    if (lines.length === 0) return;
    const words = [...(force ? ['-force'] : []), '-batch', '-'];
    await runProgram(reaper, 'ip', words, lines.map((line) => `${line}\n`).join('')).catch((error: unknown) => {
      if (!force) throw new GrpcError(status.INTERNAL, error instanceof Error ? error.message : String(error));
    });
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
      await batch(FLUSH, true);
      await batch(routesBatch(wanted));
      return { Routes: wanted };
    },
    addArpNeighbors: ({ neighbors }: agent.AddARPNeighborsRequest) => batch(neighboursBatch(neighbors?.ARPNeighbors ?? [])),
  };
}
