/** `start`: starts the process of a created container. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { continueTrace } from './continue-trace.ts';
import { runPoststartHooks } from './container-hooks.ts';
import { deleteContainer } from './delete-container.ts';
import { loadSavedBundle } from './saved-bundle.ts';
import type { Context } from '../context/context.ts';
import { plugNewLinks } from './sync-network.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { changeContainer } from '../state/state-store.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** @throws ContainerNotFoundError, StateError, AgentError, KataError when a poststart hook has failed and the container is removed */
export async function startContainer(context: Context, id: string): Promise<void> {
  const { sandboxId, record, sandbox, afterwards } = loadContainerFor('start', id);
  await continueTrace(context, { sandboxId, id });
  const { Network } = sandbox;
  const bundle = loadSavedBundle(sandboxId, id, record); // an unreadable bundle is an error before anything runs
  const agent = await context.trace.step('connect', () => connectGuest(sandbox, { trace: context.trace }));
  try {
    if (isFirstContainer(sandboxId, id)) await plugNewLinks(context, sandboxId, agent, bundle.spec);
    await agent.call('startContainer', { container_id: id });
  } finally {
    agent.close();
  }
  changeContainer(sandboxId, id, { State: afterwards });
  try {
    await runPoststartHooks(context, Network.NetNsPath, { id, bundle }, record.Process.Shim.pid);
  } catch (error) {
    // The container is destroyed, as after `delete` (runtime.md, "Lifecycle", step 9 of version 1.2).
    await deleteContainer(context, id, true).catch((failure: unknown) =>
      context.log.warn('clean-up after a failed poststart hook is not complete', { failure: errorMessage(failure) }),
    );
    throw error;
  }
}
