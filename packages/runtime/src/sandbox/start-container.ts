/** `start`: starts the process of a created container. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { Bundle } from '../bundle/load-bundle.ts';
import { continueTrace } from './continue-trace.ts';
import { runPoststartHooks } from './container-hooks.ts';
import { deleteContainer } from './delete-container.ts';
import { explainOomKill } from './explain-oom-kill.ts';
import { loadSavedBundle } from './saved-bundle.ts';
import type { Context } from '../context/context.ts';
import { plugNewLinks } from './sync-network.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import type { FoundContainer } from '../state/load-container-for.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { changeContainer, loadSandbox, requireContainer } from '../state/state-store.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** Starts the process in the guest. @throws StateError, AgentError, KataError when the bundle is unreadable */
async function startProcess(context: Context, id: string): Promise<{ readonly found: FoundContainer; readonly bundle: Bundle }> {
  const found = loadContainerFor('start', id);
  const { sandboxId, record, sandbox, afterwards } = found;
  await continueTrace(context, { sandboxId, id });
  const bundle = loadSavedBundle(sandboxId, id, record); // an unreadable bundle is an error before anything runs
  const agent = await context.trace.step('connect', () => connectGuest(sandbox, { trace: context.trace }));
  try {
    if (isFirstContainer(sandboxId, id)) await plugNewLinks(context, sandboxId, agent, bundle.spec);
    await agent.call('startContainer', { container_id: id });
  } finally {
    agent.close();
  }
  changeContainer(sandboxId, id, { State: afterwards });
  return { found, bundle };
}

/** @throws ContainerNotFoundError, StateError, AgentError, KataError when a poststart hook has failed and the container is removed */
export async function startContainer(context: Context, id: string): Promise<void> {
  const { sandboxId } = requireContainer(id);
  const { found, bundle } = await startProcess(context, id).catch(async (error: unknown) => {
    const isVmAlive = isAlive(loadSandbox(sandboxId).HypervisorState.Process);
    throw isVmAlive ? error : await explainOomKill(context, { sandboxId, id }, error);
  });
  try {
    await runPoststartHooks(context, found.sandbox.Network.NetNsPath, { id, bundle }, found.record.Process.Shim.pid);
  } catch (error) {
    // The container is destroyed, as after `delete` (runtime.md, "Lifecycle", step 9 of version 1.2).
    await deleteContainer(context, id, true).catch((failure: unknown) =>
      context.log.warn('clean-up after a failed poststart hook is not complete', { failure: errorMessage(failure) }),
    );
    throw error;
  }
}
