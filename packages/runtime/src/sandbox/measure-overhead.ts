/** `kata-overhead`: what the processes of a sandbox use on the host, and what its containers use in the guest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { cpuMilliseconds, identifyProcess } from '@kata-containers/common/process/process-identity';
import { overheadMessage } from '../agent/overhead-message.ts';
import type { Sample } from '../agent/overhead-message.ts';
import { parseCommandLine } from '../hypervisor/qemu/parse-command-line.ts';
import { childrenOf, commandLineOf, memoryBytes, processesBeside } from '../processes/process-use.ts';
import { callGuest } from './call-guest.ts';
import type { Deadline } from './call-guest.ts';
import { currentState } from './container-status.ts';
import { requireFor } from './require-for.ts';
import type { SandboxState } from './state.ts';
import { containersOf, loadContainer, requireContainer } from './state-store.ts';

/** 1.x's time between the two samples. */
const INTERVAL_MS = 1000;
const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** QEMU, what serves its share, the proxy and the shims of all containers. */
function hostProcesses({ HypervisorState, AgentState }: SandboxState, containers: readonly string[]): number[] {
  const shims = containers.flatMap((id) => processesBeside(requireContainer(id).record.Process.Shim.pid));
  const { Process, Virtiofsd } = HypervisorState;
  const daemon = Virtiofsd ? [Virtiofsd.pid, ...childrenOf(Virtiofsd.pid)] : []; // its work is done by a child in a namespace
  return [Process.pid, ...daemon, AgentState.Proxy.pid, ...shims];
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

function cpuNanoseconds(pid: number): bigint {
  const identity = identifyProcess(pid);
  return identity ? BigInt(cpuMilliseconds(identity)) * NANOSECONDS_A_MILLISECOND : 0n;
}

async function takeSample(
  agent: AgentConnection,
  deadline: Deadline,
  sandbox: SandboxState,
  containers: readonly string[],
): Promise<Sample> {
  const pids = hostProcesses(sandbox, containers);
  const host = { time: process.hrtime.bigint(), hostCpu: sum(pids.map(cpuNanoseconds)), hostMemory: sum(pids.map(memoryBytes)) };
  const answers = await Promise.all(containers.map((container_id) => agent.call('statsContainer', { container_id }, deadline)));
  return {
    ...host,
    guestCpu: sum(answers.map(({ cgroup_stats }) => cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n)),
    guestMemory: sum(answers.map(({ cgroup_stats }) => cgroup_stats?.memory_stats?.usage?.usage ?? 0n)),
  };
}

/** The text that is to be printed. @throws ContainerNotFoundError, StateError, AgentError */
export async function measureOverhead(id: string): Promise<string> {
  const { sandboxId, sandbox } = requireFor('events', id);
  const containers = containersOf(sandboxId).filter((other) => {
    const record = loadContainer(sandboxId, other);
    return record && currentState(record) !== 'stopped';
  });
  return callGuest(sandbox, async (agent, deadline) => {
    const first = await takeSample(agent, deadline, sandbox, containers);
    await sleep(INTERVAL_MS);
    const last = await takeSample(agent, deadline, sandbox, containers);
    const { vcpus } = parseCommandLine(commandLineOf(sandbox.HypervisorState.Process.pid));
    return overheadMessage(id, first, last, vcpus);
  });
}
