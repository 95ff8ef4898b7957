/** The sandbox and the guest itself. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { spareLinkHandler } from '@kata-containers/common/agent-api/spare-link';
import type * as agent from '@kata-containers/common/generated/agent';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { version } from '@kata-containers/common/version';
import type { Sandbox } from '../containers/sandbox.ts';
import { deviceTypes } from '../devices/device-types.ts';
import { onlineCpus, onlineMemory } from '../guest/online.ts';
import { storageDrivers } from '../storage/storage-drivers.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import type { AgentHandlers, HealthHandlers } from './handlers.ts';

const API_VERSION = '0.0.1';
const BLOCK_SIZE = '/sys/devices/system/memory/block_size_bytes';
const PROBE = '/sys/devices/system/memory/probe';
const ACPI_HOTPLUG = '/sys/firmware/acpi/hotplug/memory/enabled';
const SERVING = 1;

function readOr(path: string, absent: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1').trim() : absent;
}

function guestDetails(request: agent.GuestDetailsRequest): agent.GuestDetailsResponse {
  return {
    mem_block_size_bytes: request.mem_block_size ? BigInt(`0x${readOr(BLOCK_SIZE, '0')}`) : 0n,
    // With ACPI the kernel detects new memory, and a probe would add it a second time.
    support_mem_hotplug_probe: request.mem_hotplug_probe && existsSync(PROBE) && readOr(ACPI_HOTPLUG, '0') !== '1',
    agent_details: {
      version,
      init_daemon: process.pid === 1,
      device_handlers: [...deviceTypes, spareLinkHandler],
      storage_handlers: storageDrivers,
      supports_seccomp: true,
    },
  };
}

async function bringOnline({ nb_cpus, cpu_only }: agent.OnlineCPUMemRequest, sandbox: Sandbox): Promise<void> {
  if (nb_cpus === 0 && cpu_only) throw new Error(`requested number of CPUs '${nb_cpus}' must be greater than 0`);
  await onlineCpus(nb_cpus);
  if (!cpu_only) onlineMemory();
  if (nb_cpus === 0) return;
  const { widenCpuset } = await import('../cgroups/cpuset.ts');
  for (const { cgroup } of sandbox.containers) widenCpuset(cgroup);
}

/** The health service's. */
export const healthCalls: HealthHandlers = {
  check: () => ({ status: SERVING }),
  version: () => ({ grpc_version: API_VERSION, agent_version: version }),
};

export function guestCalls(sandbox: Sandbox) {
  const { kernel, log, stateDirectory } = sandbox.machine;
  return {
    createSandbox: (request) => sandbox.create(request),
    destroySandbox: () => sandbox.destroy(),
    getGuestDetails: guestDetails,
    onlineCPUMem: async (request) => {
      const work = bringOnline(request, sandbox);
      if (request.wait) return work;
      work.catch((error: unknown) => log.warn('CPU or memory did not come online', { reason: errorMessage(error) }));
    },
    memHotplugByProbe: ({ memHotplugProbeAddr }) => {
      for (const address of memHotplugProbeAddr) writeFileSync(PROBE, `0x${address.toString(16)}`);
    },
    reseedRandomDev: ({ data }) => {
      if (data.length === 0) throw new Error('missing entropy data');
      kernel.addEntropy(data);
    },
    setGuestDateTime: ({ Sec, Usec }) => {
      try {
        kernel.setTime(Sec, Usec);
      } catch (error) {
        throw new GrpcError(status.INTERNAL, `Could not set guest time: ${errorMessage(error)}`);
      }
    },
    copyFile: async (request) => {
      const { copyFile } = await import('../guest/copy-file.ts');
      copyFile(request, stateDirectory);
    },
  } satisfies Partial<AgentHandlers>;
}
