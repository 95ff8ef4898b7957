/** Gives a sandbox' VM the vCPUs and the memory of its containers' limits, and enforces the limits on the host. */
import { totalmem } from 'node:os';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { plugCpus, plugMemory, unplugCpus } from '../hypervisor/qemu/hot-plug.ts';
import { cpuThreads, readVmSize } from '../hypervisor/qemu/vm-size.ts';
import type { VmSize } from '../hypervisor/qemu/vm-size.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import { hostThreads } from '../processes/host-threads.ts';
import { extraMemoryMiB, extraVcpus, isUnlimited, limitsOf, noLimits } from '../sizing/limits-plan.ts';
import type { Limits } from '../sizing/limits-plan.ts';
import { loadBundle } from '../bundle/load-bundle.ts';
import { UNPLUG_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { Tools } from '../context/context.ts';
import { currentState } from '../state/container-status.ts';
import { limitOnHost } from './host-limits.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import type { ContainerRecord, SandboxState } from '../state/state.ts';
import { containersOf, loadContainer } from '../state/state-store.ts';
import { traceStep } from '../context/trace-step.ts';
import { withMonitor } from '../vm/with-monitor.ts';

const MIB = 2 ** 20;

export interface ResizedSandbox {
  readonly id: string;
  readonly state: SandboxState;
  readonly agent: AgentConnection;
}

/** A record of an earlier version has no limits: those of its bundle were never changed. */
export const recordedLimits = ({ Limits: limits, BundlePath }: ContainerRecord): Limits =>
  limits ?? limitsOf(loadBundle(BundlePath).spec.linux?.resources);

interface PodLimits {
  readonly all: readonly Limits[];
  /** Without those of the container that holds a pod open: it counts for the size, not for what the others are held to. */
  readonly working: readonly Limits[];
  /** False when a record cannot be read: what that container was given must stay. */
  readonly areKnown: boolean;
}

type Unreadable = (container: string, error: unknown) => void;

/** Of containers that have not ended. */
function limitsIn(sandboxId: string, unreadable: Unreadable = () => {}): PodLimits {
  let areKnown = true;
  const records = containersOf(sandboxId).flatMap((id) => {
    try {
      const record = loadContainer(sandboxId, id);
      return record && currentState(record) !== 'stopped' ? [{ id, limits: recordedLimits(record) }] : [];
    } catch (error) {
      unreadable(id, error);
      areKnown = false;
      return [{ id, limits: noLimits }]; // which limits no other container
    }
  });
  const others = records.filter(({ id }) => id !== sandboxId);
  const working = others.length > 0 ? others : records;
  return { all: records.map(({ limits }) => limits), working: working.map(({ limits }) => limits), areKnown };
}

/** The running VM of a sandbox. */
interface Machine {
  readonly monitor: QmpClient;
  readonly hypervisor: SandboxState['HypervisorState'];
  readonly size: VmSize;
}

/** @returns how many vCPUs were plugged */
async function fitCpus({ log }: Tools, { monitor, hypervisor, size }: Machine, { all, areKnown }: PodLimits): Promise<number> {
  const [builtIn, there] = [
    size.cpus.filter(({ state: is }) => is === 'built-in').length,
    size.cpus.filter(({ state: is }) => is !== 'empty').length,
  ];
  const asked = builtIn + extraVcpus(all);
  if (asked > size.cpus.length) log.warn('Cannot have as many vCPUs as are asked for', { asked, maximum: size.cpus.length });
  const wanted = Math.min(asked, size.cpus.length);
  if (wanted >= there) return plugCpus(monitor, size, wanted - there);
  if (!areKnown) return 0;
  await unplugCpus(monitor, size, there - wanted, guestTimeout(UNPLUG_TIMEOUT_MS, hypervisor.Accelerator)).catch((error: unknown) =>
    log.warn('the guest keeps a vCPU that it should let go', { reason: errorMessage(error) }),
  );
  return 0;
}

async function askBlockMiB({ agent }: ResizedSandbox): Promise<number> {
  const details = await agent.call('getGuestDetails', { mem_block_size: true });
  const block = Number(details.mem_block_size_bytes) / MIB;
  // The guest says it: nothing but a power of two up to the kernel's largest (2 GiB) is a block's size.
  return Number.isInteger(Math.log2(block)) && block >= 1 && block <= 2048 ? block : 128;
}

/** What is not there of the memory that the containers may use. Memory only grows: a guest does not give it back. */
function missingMiB({ log }: Tools, { pluggedMiB }: VmSize, all: readonly Limits[]): number {
  const missing = extraMemoryMiB(all) - pluggedMiB;
  if (missing < 0) log.debug('the VM keeps memory that its containers may not use', { mebibytes: -missing });
  return Math.max(0, missing);
}

/** @returns MiB that were plugged. @throws KataError when the host does not have that much */
async function growMemory({ monitor, hypervisor, size }: Machine, missingMib: number, blockMib: number): Promise<number> {
  const there = size.baseMiB + size.pluggedMiB;
  const wanted = Math.ceil(missingMib / blockMib) * blockMib;
  const host = Math.floor(totalmem() / MIB);
  if (there + wanted > host)
    throw new KataError(`Unable to hotplug ${wanted} MiB memory, the SB has ${there} MiB and the maximum amount is ${host} MiB`);
  await plugMemory(monitor, size, wanted, hypervisor.Memory);
  return wanted;
}

interface Plugged {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** 1.x tells the guest and goes on whether it does it or not. Waiting has the container find what it was promised. */
async function bringOnline({ log }: Tools, { agent }: ResizedSandbox, { cpus, memoryMiB }: Plugged): Promise<void> {
  if (cpus === 0 && memoryMiB === 0) return;
  await agent
    .call('onlineCPUMem', { wait: true, nb_cpus: cpus, cpu_only: memoryMiB === 0 })
    .catch((error: unknown) => log.warn('the guest does not use what was plugged', { cpus, memoryMiB, reason: errorMessage(error) }));
}

/** Without `block`, undefined when memory is missing: the block size comes from the guest, which is not waited for with the lock. */
function resize(context: Tools, sandbox: ResizedSandbox, limits: PodLimits, block: number | undefined): Promise<Plugged | undefined> {
  const { state, id } = sandbox;
  return withMonitor(id, state, async (monitor) => {
    const size = await readVmSize(monitor);
    const machine: Machine = { monitor, hypervisor: state.HypervisorState, size };
    const missing = missingMiB(context, size, limits.all);
    if (missing > 0 && block === undefined) return undefined;
    const memoryMiB = missing > 0 && block !== undefined ? await growMemory(machine, missing, block) : 0;
    const cpus = await fitCpus(context, machine, limits);
    const threads = hostThreads(state.HypervisorState.Process.pid, await cpuThreads(monitor));
    limitOnHost(context, id, limits.working, { threads, whole: state.Config?.SandboxCgroupOnly === true });
    return { cpus, memoryMiB };
  });
}

/**
 * Fits the VM to the containers on record. `change`: whether they had limits before that they may have lost.
 * @throws KataError when memory cannot be had, HypervisorError, QmpError, TimeoutError
 */
export async function resizeSandbox(context: Tools, sandbox: ResizedSandbox, change: 'new' | 'changed'): Promise<void> {
  if (change === 'new' && isUnlimited(limitsIn(sandbox.id).all)) return;
  const warn: Unreadable = (container, error) =>
    context.log.warn('a container of the sandbox has no limits that can be read', { container, reason: errorMessage(error) });
  const attempt = (unreadable?: Unreadable, block?: number): Promise<Plugged | undefined> =>
    withSandboxLock(sandbox.id, context.kernel, () => resize(context, sandbox, limitsIn(sandbox.id, unreadable), block));
  await traceStep(context.log, 'VM size', async () => {
    const plugged = (await attempt(warn)) ?? (await attempt(undefined, await askBlockMiB(sandbox)));
    if (plugged) await bringOnline(context, sandbox, plugged);
  });
}
