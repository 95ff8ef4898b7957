/** One conversation with the guest of a running sandbox. gRPC is loaded when it comes to that. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { REQUEST_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { SandboxState } from '../state/state.ts';

/** What a call may take, as `AgentConnection.call` wants it. */
export interface Deadline {
  readonly deadlineMs: number;
}

/** @throws StateError when the sandbox has ended, AgentError */
export async function callGuest<T>(
  { AgentState, HypervisorState }: SandboxState,
  use: (agent: AgentConnection, deadline: Deadline) => Promise<T>,
): Promise<T> {
  if (!isAlive(AgentState.Proxy)) throw new StateError('Proxy is not running');
  const { connectAgent } = await import('@kata-containers/common/agent-api/agent-connection');
  const agent = await connectAgent(AgentState.URL, {});
  try {
    return await use(agent, { deadlineMs: guestTimeout(REQUEST_TIMEOUT_MS, HypervisorState.Accelerator) });
  } finally {
    agent.close();
  }
}
