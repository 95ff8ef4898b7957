/** A connection to the agent of a sandbox. gRPC is loaded when it comes to that. */
import type { AgentConnection, ConnectOptions } from '@kata-containers/common/agent-api/agent-connection';
import { REQUEST_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { SandboxState } from '../state/state.ts';

/** Calls without a deadline of their own have the time that the accelerator of the VM needs. @throws AgentError when no agent answers */
export async function connectGuest(
  { AgentState, HypervisorState }: Pick<SandboxState, 'AgentState' | 'HypervisorState'>,
  options: ConnectOptions = {},
): Promise<AgentConnection> {
  const { connectAgent } = await import('@kata-containers/common/agent-api/agent-connection');
  return connectAgent(AgentState.URL, { callTimeoutMs: guestTimeout(REQUEST_TIMEOUT_MS, HypervisorState.Accelerator), ...options });
}
