/** Connects to the agent of a sandbox whose state is saved. */
import type { AgentConnection, AgentConnectOptions } from '@kata-containers/common/agent-api/agent-connection';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { connectAgentOfVm } from './connect-agent-of-vm.ts';
import { healthText, withHealth } from './sandbox-health.ts';
import type { SandboxProcesses } from './sandbox-health.ts';

/** Adds the state of the sandbox's processes to the error of a call without an answer. */
const explained = <T>(promise: Promise<T>, sandbox: SandboxProcesses): Promise<T> =>
  promise.catch((error: unknown) => {
    throw withHealth(error, sandbox);
  });

/**
 * The error of a call without an answer contains the state of QEMU and of the proxy.
 * @throws StateError when the proxy has ended, AgentError when no agent answers
 */
export async function connectGuest(sandbox: SandboxProcesses, options: AgentConnectOptions = {}): Promise<AgentConnection> {
  const { AgentState, HypervisorState } = sandbox;
  if (!isAlive(AgentState.Proxy)) throw new StateError(`Proxy is not running: ${healthText(sandbox)}`);
  const vm = { url: AgentState.URL, accelerator: HypervisorState.Accelerator };
  const isExpected = (): boolean => isAlive(AgentState.Proxy);
  const agent = await explained(connectAgentOfVm(vm, { isExpected, isEager: true, ...options }), sandbox);
  return {
    call: (...call) => explained(agent.call(...call), sandbox),
    check: (...call) => explained(agent.check(...call), sandbox),
    close: () => agent.close(),
  };
}
