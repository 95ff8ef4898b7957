/** Adds a container to the VM whose network it shares: `--network container:ID` (ADR 15). */
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { Tools } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import { keepNetworkNamespace, newNamespacePath } from '../network/namespace.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import type { SandboxState } from '../state/state.ts';
import { loadSandbox, saveSandbox } from '../state/state-store.ts';
import { UndoJournal } from '../undo/undo-journal.ts';

/** The engine removes its own mount of the namespace with the first container: the sandbox gets a mount that lasts as long as its VM. */
function withOwnNamespace({ kernel }: Tools, sandboxId: string, state: SandboxState): SandboxState {
  if (state.Network.NetNsCreated) return state;
  const path = newNamespacePath();
  new UndoJournal(sandboxPaths(sandboxId).journal).record({ undo: 'delete-netns', path });
  keepNetworkNamespace(state.Network.NetNsPath, path, kernel);
  return { ...state, Network: { ...state.Network, NetNsPath: path, NetNsCreated: true } };
}

/**
 * Records the container `id` in the sandbox's state: the VM runs until all recorded containers are deleted. `reserve` reserves the id.
 * @returns the state of the sandbox, and the result of `reserve`.
 * @throws StateError when the sandbox has ended or is being removed
 */
export function joinSandbox<T>(
  context: Tools,
  { sandboxId, id }: { readonly sandboxId: string; readonly id: string },
  reserve: () => T,
): Promise<{ readonly sandbox: SandboxState; readonly reserved: T }> {
  return withSandboxLock(sandboxId, context.kernel, () => {
    const state = loadSandbox(sandboxId);
    if (state.IsEnding === true || !isAlive(state.HypervisorState.Process)) throw new StateError(`sandbox ${sandboxId} is not running`);
    const kept = withOwnNamespace(context, sandboxId, state);
    const reserved = reserve();
    const sandbox = { ...kept, Joined: [...(kept.Joined ?? []), id] };
    saveSandbox(sandboxId, sandbox);
    return Promise.resolve({ sandbox, reserved });
  });
}
