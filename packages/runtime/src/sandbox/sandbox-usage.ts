/** Current resource usage of each sandbox: its processes on the host, and its containers in the guest. */
import { cgroupOf } from '@kata-containers/common/cgroups/cgroup';
import { oomKills } from '@kata-containers/common/cgroups/oom-kills';
import type { AgentResponse } from '@kata-containers/common/agent-api/agent-connection';
import { cpuMilliseconds, identifyProcess, isAlive } from '@kata-containers/common/process/process-identity';
import { startTimeMs } from '@kata-containers/common/process/start-time-ms';
import { parseCommandLine } from '../hypervisor/qemu/parse-command-line.ts';
import { childrenOf, commandLineOf, diskBytes, memoryBytes, processesBeside } from '../processes/process-use.ts';
import type { SandboxState } from '../state/state.ts';
import { currentState } from '../state/container-status.ts';
import { firstContainer } from '../state/sandbox-name.ts';
import { containersOf, listContainers, loadContainer, loadSandbox } from '../state/state-store.ts';
import { connectGuest } from '../vm/connect-guest.ts';
import { engineName } from './engine-name.ts';

/** Counters of the containers' cgroups and links, summed up. */
export interface GuestUsage {
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly networkBytes: number;
}

export interface SandboxUsage {
  readonly id: string;
  /** The engine's name of the first container, for a pod the name of the pod; missing when it is not known. */
  readonly name?: string;
  readonly containers: number;
  readonly isRunning: boolean;
  /** When the VM was started, in milliseconds since 1970. */
  readonly startedMs: number;
  readonly vcpus: number;
  readonly accelerator: string;
  /** CPU time of QEMU, proxy, shims and virtiofsd, which includes that of the guest. */
  readonly hostCpuMs: number;
  /** PSS of the same processes. */
  readonly hostMemoryBytes: number;
  /** Bytes that QEMU and virtiofsd have read from and written to disks of the host: the guest counts no I/O of 9p and virtio-fs. */
  readonly hostDiskBytes: number;
  /** Number of processes in the sandbox's cgroup that the host has OOM-killed. */
  readonly oomKills: number;
  /** Missing when the guest does not answer. */
  readonly guest?: GuestUsage;
}

export interface UsageSample {
  /** Milliseconds of a monotonic clock. */
  readonly timeMs: number;
  readonly sandboxes: readonly SandboxUsage[];
}

/** Time limit of a guest's answer: the other sandboxes must be shown. */
const GUEST_MS = 1500;
const NANOSECONDS_A_MILLISECOND = 1_000_000;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Links without the guest's loopback device. */
function guestUsage(answers: readonly AgentResponse<'statsContainer'>[]): GuestUsage {
  const networks = answers[0]?.network_stats ?? []; // the containers of a sandbox share its links
  const cpu = answers.map(({ cgroup_stats }) => Number(cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n));
  return {
    cpuMs: sum(cpu) / NANOSECONDS_A_MILLISECOND,
    memoryBytes: sum(answers.map(({ cgroup_stats }) => Number(cgroup_stats?.memory_stats?.usage?.usage ?? 0n))),
    networkBytes: sum(networks.filter(({ name }) => name !== 'lo').map(({ rx_bytes, tx_bytes }) => Number(rx_bytes + tx_bytes))),
  };
}

async function askGuest(sandbox: SandboxState, ids: readonly string[]): Promise<GuestUsage | undefined> {
  try {
    const agent = await connectGuest(sandbox, { connectTimeoutMs: GUEST_MS, callTimeoutMs: GUEST_MS });
    try {
      return guestUsage(await Promise.all(ids.map((id) => agent.call('statsContainer', { container_id: id }))));
    } finally {
      agent.close();
    }
  } catch {
    return undefined;
  }
}

async function usageOf(id: string): Promise<SandboxUsage> {
  const sandbox = loadSandbox(id);
  const { HypervisorState, AgentState } = sandbox;
  const { Process: vm, Virtiofsd } = HypervisorState;
  const records = containersOf(id).flatMap((container) => {
    const record = loadContainer(id, container);
    return record && currentState(record) !== 'stopped' ? [{ container, shim: record.Process.Shim }] : [];
  });
  const first = loadContainer(id, firstContainer(id));
  const name = first && engineName(firstContainer(id), first);
  const daemon = Virtiofsd ? [Virtiofsd.pid, ...childrenOf(Virtiofsd.pid)] : [];
  const pids = [vm.pid, AgentState.Proxy.pid, ...daemon, ...records.flatMap(({ shim }) => processesBeside(shim.pid))];
  const identities = pids.flatMap((pid) => identifyProcess(pid) ?? []);
  const isRunning = isAlive(vm);
  const guest = isRunning ? await askGuest(sandbox, records.map(({ container }) => container)) : undefined; // prettier-ignore
  return {
    ...{ id, isRunning, containers: records.length, startedMs: startTimeMs(vm) ?? 0, accelerator: HypervisorState.Accelerator },
    vcpus: parseCommandLine(commandLineOf(vm.pid)).vcpus,
    hostCpuMs: isRunning ? sum(identities.map(cpuMilliseconds)) : 0,
    hostMemoryBytes: isRunning ? sum(identities.map(({ pid }) => Number(memoryBytes(pid)))) : 0,
    hostDiskBytes: isRunning ? sum([vm.pid, ...daemon].map(diskBytes)) : 0,
    oomKills: isRunning ? oomKills(cgroupOf(vm.pid)) : 0,
    ...(name !== undefined && { name }),
    ...(guest && { guest }),
  };
}

/** A sandbox that is being created or removed, or whose state is damaged, is left out. */
export async function sampleSandboxes(): Promise<UsageSample> {
  const ids = [...new Set(listContainers().map(({ sandboxId }) => sandboxId))];
  const timeMs = performance.now();
  const results = await Promise.allSettled(ids.map(usageOf));
  return { timeMs, sandboxes: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])) };
}
