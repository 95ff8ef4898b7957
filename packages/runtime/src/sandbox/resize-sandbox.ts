/** Resizes a sandbox's VM to its containers' limits of vCPUs and memory, and enforces the limits on the host. */
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
import { unplugTimeout } from '../context/context.ts';
import type { Tools } from '../context/context.ts';
import { currentState } from '../state/container-status.ts';
import { limitOnHost } from './host-limits.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { cgroupContainerOf } from '../state/state.ts';
import type { ContainerRecord, SandboxState } from '../state/state.ts';
import { containersOf, loadContainer } from '../state/state-store.ts';
import { withMonitor } from '../vm/with-monitor.ts';

const MIB = 2 ** 20;

export interface ResizedSandbox {
  readonly id: string;
  readonly state: SandboxState;
  readonly agent: AgentConnection;
}

/** A record of an earlier version has no limits: its bundle's limits apply. */
export const recordedLimits = ({ Limits: limits, BundlePath }: ContainerRecord): Limits =>
  limits ?? limitsOf(loadBundle(BundlePath).spec.linux?.resources);

interface PodLimits {
  readonly all: readonly Limits[];
  /** The limits without the limits of a pod's pause container, which only affect the size of the VM. */
  readonly working: readonly Limits[];
  /** False when a record cannot be read: its container's vCPUs must stay. */
  readonly areKnown: boolean;
}

type Unreadable = (container: string, error: unknown) => void;

/** Limits of the containers that have not ended. */
function limitsIn({ id: sandboxId, state: { Joined = [] } }: ResizedSandbox, unreadable: Unreadable = () => {}): PodLimits {
  let areKnown = true;
  const records = containersOf(sandboxId).flatMap((id) => {
    try {
      const record = loadContainer(sandboxId, id);
      return record && currentState(record) !== 'stopped' ? [{ id, limits: recordedLimits(record) }] : [];
    } catch (error) {
      unreadable(id, error);
      areKnown = false;
      return [{ id, limits: noLimits }]; // does not limit other containers
    }
  });
  const others = records.filter(({ id }) => !isFirstContainer(sandboxId, id) && !Joined.includes(id));
  const working = others.length > 0 ? others : records;
  return { all: records.map(({ limits }) => limits), working: working.map(({ limits }) => limits), areKnown };
}

/** The running VM of a sandbox. */
interface Machine {
  readonly monitor: QmpClient;
  readonly hypervisor: SandboxState['HypervisorState'];
  readonly size: VmSize;
}

/**
 * An emulated VM keeps its vCPUs: once one was unplugged, QEMU (7.2) uses that vCPU's freed address space when a device is removed, and
 * crashes. The limits on the host still apply.
 *
 * @returns how many vCPUs were plugged
 */
async function fitCpus({ log }: Tools, { monitor, hypervisor, size }: Machine, { all, areKnown }: PodLimits): Promise<number> {
  const [builtIn, there] = [
    size.cpus.filter(({ state: is }) => is === 'built-in').length,
    size.cpus.filter(({ state: is }) => is !== 'empty').length,
  ];
  const asked = builtIn + extraVcpus(all);
  if (asked > size.cpus.length) log.warn('fewer vCPUs are possible than requested', { asked, maximum: size.cpus.length });
  const wanted = Math.min(asked, size.cpus.length);
  if (wanted >= there) return plugCpus(monitor, size, wanted - there);
  if (!areKnown || hypervisor.Accelerator === 'tcg') return 0;
  await unplugCpus(monitor, size, there - wanted, unplugTimeout(hypervisor.Accelerator)).catch((error: unknown) =>
    log.warn('the guest does not release a vCPU', { reason: errorMessage(error) }),
  );
  return 0;
}

async function askBlockMiB({ agent }: ResizedSandbox): Promise<number> {
  const details = await agent.call('getGuestDetails', { mem_block_size: true });
  const block = Number(details.mem_block_size_bytes) / MIB;
  // The value is the guest's: it must be a power of two up to the kernel's largest block (2 GiB).
  return Number.isInteger(Math.log2(block)) && block >= 1 && block <= 2048 ? block : 128;
}

/** Memory that the VM lacks for its containers' limits. The VM never shrinks: memory cannot be unplugged. */
function missingMiB({ log }: Tools, { pluggedMiB }: VmSize, all: readonly Limits[]): number {
  const missing = extraMemoryMiB(all) - pluggedMiB;
  if (missing < 0) log.debug('the VM has more memory than the limits of its containers need', { mebibytes: -missing });
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

/** 1.x does not wait for the guest. Waiting makes the resources available before the container starts. */
async function bringOnline({ log }: Tools, { agent }: ResizedSandbox, { cpus, memoryMiB }: Plugged): Promise<void> {
  if (cpus === 0 && memoryMiB === 0) return;
  await agent
    .call('onlineCPUMem', { wait: true, nb_cpus: cpus, cpu_only: memoryMiB === 0 })
    .catch((error: unknown) =>
      log.warn('the guest did not bring hot-plugged resources online', { cpus, memoryMiB, reason: errorMessage(error) }),
    );
}

/** Without `block`, returns undefined when memory is missing: the block size is requested from the guest without the lock. */
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
    limitOnHost(context, { sandboxId: id, id: cgroupContainerOf(state) }, limits.working, {
      threads,
      whole: state.Config?.SandboxCgroupOnly === true,
    });
    return { cpus, memoryMiB };
  });
}

/**
 * Resizes the VM for the recorded containers. `change`: whether containers may have had limits before.
 * @throws KataError when the host has too little memory, HypervisorError, QmpError, TimeoutError
 */
export async function resizeSandbox(context: Tools, sandbox: ResizedSandbox, change: 'new' | 'changed'): Promise<void> {
  if (change === 'new' && isUnlimited(limitsIn(sandbox).all)) return;
  const warn: Unreadable = (container, error) =>
    context.log.warn('a container of the sandbox has no limits that can be read', { container, reason: errorMessage(error) });
  const attempt = (unreadable?: Unreadable, block?: number): Promise<Plugged | undefined> =>
    withSandboxLock(sandbox.id, context.kernel, () => resize(context, sandbox, limitsIn(sandbox, unreadable), block));
  await context.trace.step('VM size', async () => {
    const plugged = (await attempt(warn)) ?? (await attempt(undefined, await askBlockMiB(sandbox)));
    if (plugged) await bringOnline(context, sandbox, plugged);
  });
}
