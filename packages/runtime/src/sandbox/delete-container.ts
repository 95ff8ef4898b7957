/** `delete`: removes a container, and with the last container its sandbox. */
import { ContainerNotFoundError, StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { Bundle } from '../bundle/load-bundle.ts';
import { endProcess } from '../processes/end-process.ts';
import type { Tools } from '../context/context.ts';
import { continueTrace } from './continue-trace.ts';
import { runPoststopHooks } from './container-hooks.ts';
import { loadSavedBundle } from './saved-bundle.ts';
import { removeContainer } from './remove-container.ts';
import { currentState } from '../state/container-status.ts';
import { findSandbox, loadContainer, loadSandbox } from '../state/state-store.ts';

function load<T>(read: () => T, force: boolean): T | undefined {
  try {
    return read();
  } catch (error) {
    if (force) return undefined;
    throw error;
  }
}

/** @throws ContainerNotFoundError (not with `force`), StateError, KataError when something cannot be removed */
export async function deleteContainer(context: Tools, id: string, force: boolean): Promise<void> {
  const sandboxId = findSandbox(id);
  if (sandboxId === undefined) {
    if (force) return;
    throw new ContainerNotFoundError(id);
  }
  await continueTrace(context, { sandboxId, id });
  const record = load(() => loadContainer(sandboxId, id), force);
  const state = record && currentState(record);
  if (!force && (state === 'running' || state === 'paused'))
    throw new StateError(`Container still running, should be stopped: 'kata-runtime delete --force ${id}' ends it`);
  const sandbox = load(() => loadSandbox(sandboxId), force || !record);
  const bundle: Bundle | undefined = record && load(() => loadSavedBundle(sandboxId, id, record), true); // before the removal, for the poststop hooks
  await removeContainer(context, { sandboxId, id, record }, sandbox, force);
  if (record && isAlive(record.Process.Shim)) await endProcess(record.Process.Shim, 0);
  if (bundle) await runPoststopHooks(context, { id, bundle });
}
