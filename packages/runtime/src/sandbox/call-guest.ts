/** One conversation with the guest of a running sandbox. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { SandboxState } from '../state/state.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** @throws StateError when the sandbox has ended, AgentError */
export async function callGuest<T>(sandbox: SandboxState, use: (agent: AgentConnection) => Promise<T>): Promise<T> {
  if (!isAlive(sandbox.AgentState.Proxy)) throw new StateError('Proxy is not running');
  const agent = await connectGuest(sandbox);
  try {
    return await use(agent);
  } finally {
    agent.close();
  }
}
