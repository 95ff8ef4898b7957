/** Connects to the agent of a sandbox. Loads gRPC only then. */
import type { AgentConnection, ConnectOptions } from '@kata-containers/common/agent-api/agent-connection';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { REQUEST_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { SandboxState } from '../state/state.ts';
import { healthText, withHealth } from './sandbox-health.ts';

type Sandbox = Pick<SandboxState, 'SandboxContainer' | 'AgentState' | 'HypervisorState'>;

/** Adds the state of the sandbox's processes to the error of a call without an answer. */
const explained = <T>(promise: Promise<T>, sandbox: Sandbox): Promise<T> =>
  promise.catch((error: unknown) => {
    throw withHealth(error, sandbox);
  });

/**
 * The default deadline of calls depends on the accelerator of the VM.
 * @throws StateError when the proxy has ended, AgentError when no agent answers
 */
export async function connectGuest(sandbox: Sandbox, options: ConnectOptions = {}): Promise<AgentConnection> {
  const { AgentState, HypervisorState } = sandbox;
  if (!isAlive(AgentState.Proxy)) throw new StateError(`Proxy is not running: ${healthText(sandbox)}`);
  const { connectAgent } = await import('@kata-containers/common/agent-api/agent-connection');
  const callTimeoutMs = guestTimeout(REQUEST_TIMEOUT_MS, HypervisorState.Accelerator);
  const agent = await explained(connectAgent(AgentState.URL, { callTimeoutMs, ...options }), sandbox);
  return {
    call: (...call) => explained(agent.call(...call), sandbox),
    check: (...call) => explained(agent.check(...call), sandbox),
    close: () => agent.close(),
  };
}
