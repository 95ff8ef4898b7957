/** `ps`: what runs in a container, as the guest's own ps tells it, or as processes of the host. */
import { processesBeside } from '../processes/process-use.ts';
import { callGuest } from './call-guest.ts';
import { requireFor } from './require-for.ts';

/** What the guest says, unchanged: `ps` with these words, or its own pids as JSON. @throws ContainerNotFoundError, StateError, AgentError */
export async function listGuestProcesses(id: string, format: 'table' | 'json', args: readonly string[]): Promise<Buffer> {
  const { sandbox } = requireFor('ps', id);
  const request = { container_id: id, format, args: [...args] };
  return (await callGuest(sandbox, (agent, deadline) => agent.call('listProcesses', request, deadline))).process_list;
}

/**
 * The container's processes as the host sees them: its shims, one for each process that was started in it, all in one PID
 * namespace. docker looks these pids up in the host's process table, where the guest's own would be strangers'.
 * @throws ContainerNotFoundError, StateError
 */
export const listHostProcesses = (id: string): number[] => processesBeside(requireFor('ps', id).record.Process.Shim.pid);
