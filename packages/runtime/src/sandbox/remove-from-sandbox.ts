/** Removes one container of a sandbox that continues to run. */
import { constants } from 'node:os';
import { dirname } from 'node:path';
import type { AgentConnectOptions } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import type { Tools } from '../context/context.ts';
import { callGuest } from './call-guest.ts';
import { recordedLimits, resizeSandbox } from './resize-sandbox.ts';
import { isUnlimited } from '../sizing/limits-plan.ts';
import { containerEntries, dropFirstContainer, firstContainerEntries, transferEntries } from '../undo/container-journal.ts';
import { containerFile } from '../context/paths.ts';
import { unplugDisks } from './plug-disks.ts';
import { forgetContainer, removeStateDirectory } from './remove-sandbox.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import type { ContainerRecord, SandboxState } from '../state/state.ts';
import { undoAll } from '../undo/undo.ts';
import { connectGuest } from '../vm/connect-guest.ts';

const { SIGKILL } = constants.signals;

/** Limits the connection to a proxy whose sandbox may be ending. */
const PATIENT = { connectTimeoutMs: 15_000 };
/** With `--force`, which must end within ten seconds: undoing may take the rest. */
const FORCED_MS = 6000;
const FORCED = { connectTimeoutMs: FORCED_MS, callTimeoutMs: FORCED_MS };

export interface RemovedContainer {
  readonly sandboxId: string;
  readonly id: string;
  /** Undefined for an incomplete container, and for a damaged record. */
  readonly record: ContainerRecord | undefined;
}

async function removeInGuest(sandbox: SandboxState, id: string, limits: AgentConnectOptions): Promise<void> {
  const agent = await connectGuest(sandbox, limits);
  try {
    await agent.call('signalProcess', { container_id: id, exec_id: '', signal: SIGKILL }).catch(() => {});
    await agent.call('removeContainer', { container_id: id });
  } finally {
    agent.close();
  }
}

/** Waits at most `leftMs`. Longer work is interrupted when this process exits, like the work of a killed process. @throws TimeoutError */
async function within(leftMs: number, what: string, work: () => Promise<void>): Promise<void> {
  if (leftMs === Infinity) return work();
  const late = (): Error => new TimeoutError(what, FORCED_MS);
  if (leftMs <= 0) throw late();
  await withTimeout(work(), leftMs, late);
}

/** Unplugs the vCPUs that were added for this container. A failure is harmless. */
async function shrink(context: Tools, { sandboxId, id, record }: RemovedContainer, state: SandboxState): Promise<void> {
  const hasNoLimits = !record || isUnlimited([recordedLimits(record)]);
  // When the first container is removed, the VM leaves the cgroups that limited it.
  if (hasNoLimits && !isFirstContainer(sandboxId, id)) return;
  await callGuest(state, (agent) => resizeSandbox(context, { id: sandboxId, state, agent }, 'changed'));
}

/** Undoes the container's steps on the host. @returns one line for each step that could not be undone */
async function undoSteps({ kernel }: Tools, { sandboxId, id }: RemovedContainer): Promise<string[]> {
  const isFirst = isFirstContainer(sandboxId, id);
  const entries = isFirst ? firstContainerEntries(sandboxId) : containerEntries(sandboxId, id);
  const failures = await undoAll(entries, kernel);
  if (isFirst && failures.length === 0) await withSandboxLock(sandboxId, kernel, () => Promise.resolve(dropFirstContainer(sandboxId)));
  else if (failures.length > 0 && !isFirst) transferEntries(sandboxId, entries);
  return failures;
}

/**
 * `sandbox`: undefined when its state is lost; then the guest is not called.
 * @throws KataError when a resource could not be removed from the host
 */
export async function removeFromSandbox(
  context: Tools,
  container: RemovedContainer,
  sandbox: SandboxState | undefined,
  force: boolean,
): Promise<void> {
  const { sandboxId, id } = container;
  const isVmAlive = sandbox !== undefined && isAlive(sandbox.HypervisorState.Process);
  const end = force ? monotonicMs() + FORCED_MS : Infinity;
  const attempt = async (otherwise: string, work: () => Promise<void>): Promise<void> =>
    within(end - monotonicMs(), 'the guest', work).catch((error: unknown) => context.log.warn(otherwise, { reason: errorMessage(error) }));
  if (isVmAlive) {
    await attempt('the guest did not remove the container', () => removeInGuest(sandbox, id, force ? FORCED : PATIENT));
    await attempt('block devices of the container were not detached', () => unplugDisks(context, { sandboxId, containerId: id }));
  }
  const failures = await undoSteps(context, container);
  removeStateDirectory(dirname(containerFile(sandboxId, id)));
  forgetContainer(sandboxId, id);
  if (isVmAlive && isAlive(sandbox.HypervisorState.Process))
    await attempt('the VM was not resized after the removal of a container', () => shrink(context, container, sandbox));
  if (failures.length > 0) throw new KataError(`container ${id} is not removed completely: ${failures.join('; ')}`);
}
