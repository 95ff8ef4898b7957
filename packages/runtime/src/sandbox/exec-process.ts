/** `exec`: another process in a container, with a shim of its own. */
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { Process } from '@kata-containers/common/oci/spec';
import { agentProcess } from '../bundle/agent-spec.ts';
import { openConsole } from '../processes/console.ts';
import { launchShim } from '../processes/launch.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import type { Started } from '../processes/spawn-apart.ts';
import { randomUuid } from '../random-uuid.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import { enterCgroupOf } from './host-cgroup.ts';
import { requireFor } from './require-for.ts';

export interface ExecRequest {
  readonly id: string;
  readonly process: Process;
  readonly console?: string;
  readonly consoleSocket?: string;
  /** Socket that a pidfd of the shim goes to. */
  readonly pidfdSocket?: string;
  readonly attached: boolean;
}

/** @returns the shim that carries the process' stdio and exit code. @throws ContainerNotFoundError, StateError, AgentError */
export async function execProcess(context: Context, request: ExecRequest): Promise<Started> {
  const { sandboxId, record, sandbox } = requireFor('exec', request.id);
  const execId = randomUuid();
  const agent = await connectAgent(sandbox.AgentState.URL, {});
  const deadlineMs = guestTimeout(REQUEST_TIMEOUT_MS, sandbox.HypervisorState.Accelerator);
  try {
    await agent.call('execProcess', { container_id: request.id, exec_id: execId, process: agentProcess(request.process) }, { deadlineMs });
  } finally {
    agent.close();
  }
  const terminal = request.process.terminal ?? false;
  const console = openConsole({ terminal, ...request }, context.kernel);
  const shim = {
    binary: context.configuration.shim.path,
    agentUrl: sandbox.AgentState.URL,
    containerId: request.id,
    execId,
    terminal,
    debug: context.configuration.shim.enable_debug,
    namespaces: { network: sandbox.Network.NetNsPath, joinPidOf: record.Process.Shim.pid },
    console,
    quiet: terminal && !request.attached && console === undefined,
    environment: context.environment,
  };
  enterCgroupOf(context, sandboxId, request.id);
  const started = launchShim(shim, context.kernel);
  try {
    sendPidfd(request.pidfdSocket, started, 'setns', context.kernel);
  } catch (error) {
    signalProcess(started.identity, 'SIGTERM'); // the shim hands it on to the process
    throw error;
  }
  return started;
}
