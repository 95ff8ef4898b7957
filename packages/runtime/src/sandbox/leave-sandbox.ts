/** Removes a container from its sandbox's state, and decides whether the sandbox ends (ADR 15). */
import { existsSync } from 'node:fs';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { Tools } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { cgroupContainerOf } from '../state/state.ts';
import type { SandboxState } from '../state/state.ts';
import { loadSandbox, saveSandbox } from '../state/state-store.ts';
import { childrenOf } from '../processes/process-use.ts';
import { limitDevicesOf, limitThreadsOf, limitsDevicesOf, limitsThreadsOf, moveIntoCgroupOf } from '../vm/container-cgroup.ts';

/** `delete --force` does not wait for a verb that hangs. */
const FORCED_LOCK_MS = 1000;

function processesOfVm({ HypervisorState: { Process, Virtiofsd }, AgentState }: SandboxState): number[] {
  const alive = [Process, AgentState.Proxy, ...(Virtiofsd ? [Virtiofsd] : [])].filter(isAlive).map(({ pid }) => pid);
  return [...alive, ...(Virtiofsd ? childrenOf(Virtiofsd.pid) : [])];
}

/** Moves the VM to the cgroups of the container `next`. */
async function handOver(context: Tools, sandboxId: string, state: SandboxState, next: string): Promise<SandboxState> {
  const place = { sandboxId, id: next };
  const current = { sandboxId, id: cgroupContainerOf(state) };
  const [hasThreadLimit, hasDeviceLimit] = [limitsThreadsOf(current), limitsDevicesOf(current)];
  await moveIntoCgroupOf(context, place, processesOfVm(state));
  const { Process: qemu, Virtiofsd } = state.HypervisorState;
  if (isAlive(qemu)) {
    if (hasThreadLimit) await limitThreadsOf(place, qemu.pid);
    if (hasDeviceLimit) await limitDevicesOf(context, place, { pid: qemu.pid, is9p: !Virtiofsd });
  }
  return { ...state, CgroupContainer: next };
}

interface Leaving {
  readonly sandboxId: string;
  readonly id: string;
}

/** @returns the state of the sandbox without the container */
async function without(context: Tools, { sandboxId, id }: Leaving, state: SandboxState): Promise<SandboxState> {
  const left = { ...state, Joined: (state.Joined ?? []).filter((other) => other !== id) };
  const [next] = left.Joined;
  const hasFirst = state.CgroupContainer === undefined && !isFirstContainer(sandboxId, id);
  if (next === undefined) return hasFirst ? left : { ...left, IsEnding: true };
  return cgroupContainerOf(state) === id ? handOver(context, sandboxId, left, next) : left;
}

/** With a full /run the state of an ending sandbox is not saved: its `delete` frees space. A container that joins meanwhile finds no VM. */
function save({ log }: Tools, sandboxId: string, state: SandboxState): void {
  try {
    saveSandbox(sandboxId, state);
  } catch (error) {
    if (state.IsEnding !== true || errorCode(error) !== 'ENOSPC') throw error;
    log.warn('the state of an ending sandbox was not saved', { sandbox: sandboxId, reason: errorMessage(error) });
  }
}

/**
 * Removes the container from the sandbox's state. The sandbox continues without its first container while other containers share its
 * network; a pod ends with its first container.
 * @returns the state of a sandbox that continues; undefined when the sandbox must be removed
 */
export async function leaveSandbox(context: Tools, leaving: Leaving, force: boolean): Promise<SandboxState | undefined> {
  const { sandboxId, id } = leaving;
  const leave = async (): Promise<SandboxState> => {
    const left = await without(context, leaving, loadSandbox(sandboxId));
    save(context, sandboxId, left);
    return left;
  };
  const state = loadSandbox(sandboxId);
  if (!isFirstContainer(sandboxId, id) && state.Joined?.includes(id) !== true) return state; // a container of a pod
  const left = await withSandboxLock(sandboxId, context.kernel, leave, force ? FORCED_LOCK_MS : undefined).catch((error: unknown) => {
    if (!existsSync(sandboxPaths(sandboxId).sandboxFile)) return undefined; // another delete has removed it
    if (force && error instanceof TimeoutError) return leave();
    throw error;
  });
  return left?.IsEnding === true ? undefined : left;
}
