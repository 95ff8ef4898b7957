/** `start`: lets the process that create left waiting go on. */
import { runPoststartHooks } from './container-hooks.ts';
import { keptBundle } from './kept-bundle.ts';
import type { Context } from '../context/context.ts';
import { plugAllLinks } from './plug-network.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import { changeContainer } from '../state/state-store.ts';
import { traceStep } from '../context/trace-step.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** @throws ContainerNotFoundError, StateError, AgentError */
export async function startContainer(context: Context, id: string): Promise<void> {
  const { sandboxId, record, sandbox, afterwards } = loadContainerFor('start', id);
  const { Network } = sandbox;
  const bundle = keptBundle(sandboxId, id, record); // an unreadable bundle is an error before anything runs
  const agent = await traceStep(context.log, 'connect', () => connectGuest(sandbox));
  try {
    if (sandboxId === id && Network.Endpoints?.length === 0 && context.configuration.runtime.internetworking_model !== 'none')
      await traceStep(context.log, 'new links', () => plugAllLinks(context, id, agent));
    await traceStep(context.log, 'StartContainer', () => agent.call('startContainer', { container_id: id }));
  } finally {
    agent.close();
  }
  changeContainer(sandboxId, id, { State: afterwards });
  await runPoststartHooks(context, Network.NetNsPath, { id, bundle }, record.Process.Shim.pid);
}
