/** The sandbox and the guest itself. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type * as agent from '@kata-containers/common/generated/agent';
import type { HealthCheckResponse, VersionCheckResponse } from '@kata-containers/common/generated/health';
import { version } from '@kata-containers/common/version';
import type { Sandbox } from '../containers/sandbox.ts';
import { onlineCpus, onlineMemory } from '../guest/online.ts';
import { GrpcError } from './grpc-error.ts';
import type { Handlers } from './server.ts';

const API_VERSION = '0.0.1';
const BLOCK_SIZE = '/sys/devices/system/memory/block_size_bytes';
const PROBE = '/sys/devices/system/memory/probe';
const SERVING = 1;

function guestDetails({ mem_block_size, mem_hotplug_probe }: agent.GuestDetailsRequest): agent.GuestDetailsResponse {
  const size = mem_block_size && existsSync(BLOCK_SIZE) ? BigInt(`0x${readFileSync(BLOCK_SIZE, 'latin1').trim()}`) : 0n;
  return {
    mem_block_size_bytes: size,
    support_mem_hotplug_probe: mem_hotplug_probe && existsSync(PROBE),
    agent_details: {
      version,
      init_daemon: process.pid === 1,
      device_handlers: [],
      storage_handlers: ['9p', 'virtio-fs', 'ephemeral', 'local'],
      supports_seccomp: true,
    },
  };
}

export function guestCalls(sandbox: Sandbox): Handlers {
  const { kernel } = sandbox.machine;
  return {
    check: (): HealthCheckResponse => ({ status: SERVING }),
    version: (): VersionCheckResponse => ({ grpc_version: API_VERSION, agent_version: version }),
    createSandbox: (request: agent.CreateSandboxRequest) => sandbox.create(request),
    destroySandbox: () => sandbox.destroy(),
    getGuestDetails: guestDetails,
    onlineCpuMem: async ({ wait, nb_cpus, cpu_only }: agent.OnlineCPUMemRequest): Promise<void> => {
      const work = onlineCpus(nb_cpus).then(() => (cpu_only ? undefined : onlineMemory()));
      if (wait) return work;
      work.catch((error: unknown) => sandbox.machine.log.warn('CPU or memory did not come online', { reason: String(error) }));
    },
    memHotplugByProbe: ({ memHotplugProbeAddr }: agent.MemHotplugByProbeRequest): void => {
      for (const address of memHotplugProbeAddr) writeFileSync(PROBE, `0x${address.toString(16)}`);
    },
    reseedRandomDev: ({ data }: agent.ReseedRandomDevRequest): void => {
      if (data.length === 0) throw new GrpcError(status.INVALID_ARGUMENT, 'missing entropy data');
      kernel.addEntropy(data);
    },
    setGuestDateTime: ({ Sec, Usec }: agent.SetGuestDateTimeRequest): void => kernel.setTime(Sec, Usec),
  };
}
