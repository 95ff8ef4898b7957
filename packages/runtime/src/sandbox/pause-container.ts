/** `pause` and `resume`: the guest freezes the container's processes; its VM goes on. */
import { callGuest } from './call-guest.ts';
import { requireFor } from './require-for.ts';
import { saveContainer } from './state-store.ts';

/** @throws ContainerNotFoundError, StateError, AgentError */
export async function pauseContainer(id: string): Promise<void> {
  const { sandboxId, record, sandbox } = requireFor('pause', id);
  await callGuest(sandbox, (agent, deadline) => agent.call('pauseContainer', { container_id: id }, deadline));
  saveContainer(sandboxId, id, { ...record, State: 'paused' });
}

/** @throws ContainerNotFoundError, StateError, AgentError */
export async function resumeContainer(id: string): Promise<void> {
  const { sandboxId, record, sandbox } = requireFor('resume', id);
  await callGuest(sandbox, (agent, deadline) => agent.call('resumeContainer', { container_id: id }, deadline));
  saveContainer(sandboxId, id, { ...record, State: 'running' });
}
