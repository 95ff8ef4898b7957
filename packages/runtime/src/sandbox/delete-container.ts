/** `delete`: removes a container, and with the last container its sandbox. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { ContainerNotFoundError, KataError, StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive, signalProcess } from '@kata-containers/common/process/process-identity';
import type { Bundle } from '../bundle/load-bundle.ts';
import { quitQemu } from '../hypervisor/qemu/qemu-process.ts';
import { endProcess } from '../processes/end-process.ts';
import { guestTimeout } from '../context/context.ts';
import type { Tools } from '../context/context.ts';
import { runPoststopHooks } from './container-hooks.ts';
import { keptBundle } from './kept-bundle.ts';
import { currentState } from '../state/container-status.ts';
import { removeContainer } from './remove-container.ts';
import { removeSandbox } from './remove-sandbox.ts';
import { traceStep } from '../context/trace-step.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { SandboxState } from '../state/state.ts';
import { findSandbox, loadContainer, loadSandbox } from '../state/state-store.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** Time for the guest to write its caches back before its VM is ended. */
const SYNC_TIMEOUT_MS = 5000;
/** With `--force`, which must end within ten seconds even with a slow guest: ending the VM and undoing may take five. */
const FORCED_SYNC_TIMEOUT_MS = 3500;
const QUIT_TIMEOUT_MS = 2000;

function load<T>(read: () => T, force: boolean): T | undefined {
  try {
    return read();
  } catch (error) {
    if (force) return undefined;
    throw error;
  }
}

/** Without DestroySandbox, writes through mmap would be lost. A guest that has ended or does not answer is ignored. */
async function syncGuest(context: Tools, sandbox: SandboxState, force: boolean): Promise<void> {
  const { AgentState, HypervisorState } = sandbox;
  if (!isAlive(HypervisorState.Process) || !isAlive(AgentState.Proxy)) return;
  const callTimeoutMs = force ? FORCED_SYNC_TIMEOUT_MS : guestTimeout(SYNC_TIMEOUT_MS, HypervisorState.Accelerator) / 2;
  try {
    const agent = await connectGuest(sandbox, { connectTimeoutMs: 1000, callTimeoutMs });
    try {
      await agent.call('destroySandbox', {});
    } finally {
      agent.close();
    }
  } catch (error) {
    context.log.warn('the guest did not end its sandbox cleanly', { reason: errorMessage(error) });
  }
}

/** Ends the VM cleanly if possible; the journal's entries do the rest, by force where needed. */
async function stopSandbox(context: Tools, id: string, sandbox: SandboxState, force: boolean): Promise<void> {
  await syncGuest(context, sandbox, force);
  signalProcess(sandbox.AgentState.Proxy, 'SIGTERM');
  await quitQemu(sandboxPaths(id).qmpSocket, sandbox.HypervisorState.Process, QUIT_TIMEOUT_MS);
}

/** @throws ContainerNotFoundError (not with `force`), StateError, KataError when something cannot be removed */
export async function deleteContainer(context: Tools, id: string, force: boolean): Promise<void> {
  const sandboxId = findSandbox(id);
  if (sandboxId === undefined) {
    if (force) return;
    throw new ContainerNotFoundError(id);
  }
  const record = load(() => loadContainer(sandboxId, id), force);
  const state = record && currentState(record);
  if (!force && (state === 'running' || state === 'paused')) throw new StateError('Container still running, should be stopped');
  const sandbox = load(() => loadSandbox(sandboxId), force || !record);
  const bundle: Bundle | undefined = record && load(() => keptBundle(sandboxId, id, record), true); // read for the hooks before it is removed
  if (sandboxId === id) {
    if (sandbox) await traceStep(context.log, 'sandbox end', () => stopSandbox(context, id, sandbox, force));
    const failures = await traceStep(context.log, 'undo', () => removeSandbox(id, context.kernel));
    if (failures.length > 0) throw new KataError(`container ${id} is not removed completely: ${failures.join('; ')}`);
  } else await removeContainer(context, { sandboxId, id, record }, sandbox, force);
  if (record && isAlive(record.Process.Shim)) await endProcess(record.Process.Shim, 0);
  if (bundle) await runPoststopHooks(context, { id, bundle });
}
