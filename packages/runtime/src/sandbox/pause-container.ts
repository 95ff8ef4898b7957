/** `pause` and `resume`: the guest freezes and thaws the container's processes; the VM continues to run. */
import { callGuest } from './call-guest.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import { changeContainer } from '../state/state-store.ts';

async function change(verb: 'pause' | 'resume', id: string): Promise<void> {
  const { sandboxId, sandbox, afterwards } = loadContainerFor(verb, id);
  await callGuest(sandbox, (agent) => agent.call(`${verb}Container`, { container_id: id }));
  changeContainer(sandboxId, id, { State: afterwards });
}

/** @throws ContainerNotFoundError, StateError, AgentError */
export const pauseContainer = (id: string): Promise<void> => change('pause', id);
/** @throws ContainerNotFoundError, StateError, AgentError */
export const resumeContainer = (id: string): Promise<void> => change('resume', id);
