/** Connects to the guest of a running sandbox for one use. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { SandboxState } from '../state/state.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** @throws StateError when the sandbox has ended, AgentError */
export async function callGuest<T>(sandbox: SandboxState, use: (agent: AgentConnection) => Promise<T>): Promise<T> {
  const agent = await connectGuest(sandbox);
  try {
    return await use(agent);
  } finally {
    agent.close();
  }
}
