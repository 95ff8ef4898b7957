/** `kata-overhead`: resource usage of a sandbox's processes on the host, and of its containers in the guest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { cpuMilliseconds, identifyProcess } from '@kata-containers/common/process/process-identity';
import { overheadMessage } from '../agent/overhead-message.ts';
import type { OverheadSample } from '../agent/overhead-message.ts';
import { parseCommandLine } from '../hypervisor/qemu/parse-command-line.ts';
import { childrenOf, commandLineOf, memoryBytes, processesBeside } from '../processes/process-use.ts';
import { callGuest } from './call-guest.ts';
import { currentState } from '../state/container-status.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import type { SandboxState } from '../state/state.ts';
import { containersOf, loadContainer } from '../state/state-store.ts';

/** 1.x's time between the two samples. */
const INTERVAL_MS = 1000;
const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** A measured container and its shim. */
interface Measured {
  readonly id: string;
  readonly shim: number;
}

/** QEMU, virtiofsd, the proxy and the shims of all containers. */
function hostProcesses({ HypervisorState, AgentState }: SandboxState, containers: readonly Measured[]): number[] {
  const shims = containers.flatMap(({ shim }) => processesBeside(shim));
  const { Process, Virtiofsd } = HypervisorState;
  const daemon = Virtiofsd ? [Virtiofsd.pid, ...childrenOf(Virtiofsd.pid)] : []; // the child in its own namespaces does the work
  return [Process.pid, ...daemon, AgentState.Proxy.pid, ...shims];
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

function cpuNanoseconds(pid: number): bigint {
  const identity = identifyProcess(pid);
  return identity ? BigInt(cpuMilliseconds(identity)) * NANOSECONDS_A_MILLISECOND : 0n;
}

async function takeSample(agent: AgentConnection, sandbox: SandboxState, containers: readonly Measured[]): Promise<OverheadSample> {
  const pids = hostProcesses(sandbox, containers);
  const host = { time: process.hrtime.bigint(), hostCpu: sum(pids.map(cpuNanoseconds)), hostMemory: sum(pids.map(memoryBytes)) };
  const answers = await Promise.all(containers.map(({ id }) => agent.call('statsContainer', { container_id: id })));
  return {
    ...host,
    guestCpu: sum(answers.map(({ cgroup_stats }) => cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n)),
    guestMemory: sum(answers.map(({ cgroup_stats }) => cgroup_stats?.memory_stats?.usage?.usage ?? 0n)),
  };
}

/** The sandbox's running containers. A container with a damaged record is logged and left out. */
function containersToMeasure(sandboxId: string, log: Logger): Measured[] {
  return containersOf(sandboxId).flatMap((id) => {
    try {
      const record = loadContainer(sandboxId, id);
      return record && currentState(record) !== 'stopped' ? [{ id, shim: record.Process.Shim.pid }] : [];
    } catch (error) {
      log.warn('a container of the sandbox is not measured', { container: id, reason: errorMessage(error) });
      return [];
    }
  });
}

/** The text that is to be printed. @throws ContainerNotFoundError, StateError, AgentError */
export async function measureOverhead(id: string, log: Logger): Promise<string> {
  const { sandboxId, sandbox } = loadContainerFor('events', id);
  const containers = containersToMeasure(sandboxId, log);
  return callGuest(sandbox, async (agent) => {
    const first = await takeSample(agent, sandbox, containers);
    await sleep(INTERVAL_MS);
    const last = await takeSample(agent, sandbox, containers);
    const { vcpus } = parseCommandLine(commandLineOf(sandbox.HypervisorState.Process.pid));
    return overheadMessage(id, first, last, vcpus);
  });
}
