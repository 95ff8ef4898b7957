/** `ps`: lists a container's processes by the guest's ps, or as processes of the host. */
import { sanitizeLines } from '@kata-containers/common/errors/guest-text';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import { processesBeside } from '../processes/process-use.ts';
import { callGuest } from './call-guest.ts';
import { loadContainerFor } from '../state/load-container-for.ts';

function isListOfPids(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every((pid) => Number.isSafeInteger(pid) && pid > 0);
  } catch {
    return false;
  }
}

/**
 * The guest's answer: output of `ps` with these arguments, or the guest's pids as JSON.
 * @throws ContainerNotFoundError, StateError, AgentError
 */
export async function listGuestProcesses(id: string, format: 'table' | 'json', args: readonly string[]): Promise<string> {
  const { sandbox } = loadContainerFor('ps', id);
  const request = { container_id: id, format, args: [...args] };
  const { process_list } = await callGuest(sandbox, (agent) => agent.call('listProcesses', request));
  const text = process_list.toString();
  if (format === 'table') return sanitizeLines(text);
  if (!isListOfPids(text)) throw new AgentError(GRPC.internal, "the agent's answer to listProcesses is not a list of pids");
  return text;
}

/**
 * The container's processes on the host: its shims, one for each process that was started in it, all in one PID namespace. docker looks up
 * these pids in the host's process table, where the guest's pids belong to other processes.
 * @throws ContainerNotFoundError, StateError
 */
export const listHostProcesses = (id: string): number[] => processesBeside(loadContainerFor('ps', id).record.Process.Shim.pid);
