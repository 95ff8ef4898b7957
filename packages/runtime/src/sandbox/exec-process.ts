/** `exec`: starts another process in a container, with its own shim. */
import { constants } from 'node:os';
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { Process } from '@kata-containers/common/oci/spec';
import { isNullStdin } from '../processes/null-stdin.ts';
import { agentProcess } from '../bundle/agent-spec.ts';
import { openConsole } from '../processes/console.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';
import { randomUuid } from '../context/random-uuid.ts';
import type { Context } from '../context/context.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import type { FoundContainer } from '../state/load-container-for.ts';
import { connectGuest } from '../vm/connect-guest.ts';
import { continueTrace } from './continue-trace.ts';
import { launchShimFor } from './launch-shim-for.ts';

export interface ExecRequest {
  readonly id: string;
  readonly process: Process;
  readonly console?: string;
  readonly consoleSocket?: string;
  /** Socket that receives a pidfd of the shim. */
  readonly pidfdSocket?: string;
  readonly attached: boolean;
  /** Called last; when it throws, the process is killed. */
  readonly onStarted: (shim: SpawnedProcess) => void;
}

const { SIGKILL } = constants.signals;

/** A process that the guest has started and that has no shim yet. */
interface NewProcess {
  readonly found: FoundContainer;
  readonly execId: string;
  readonly terminalPath: string | undefined;
}

async function startShim(context: Context, request: ExecRequest, { found, execId, terminalPath }: NewProcess): Promise<SpawnedProcess> {
  const { sandboxId, record, sandbox } = found;
  const terminal = request.process.terminal ?? false;
  const namespaces = { network: sandbox.Network.NetNsPath, joinPidOf: record.Process.Shim.pid };
  const { id: containerId, attached } = request;
  const started = launchShimFor(context, {
    sandboxId,
    sandbox,
    containerId,
    execId,
    args: request.process.args ?? [],
    terminal,
    console: terminalPath,
    attached,
    namespaces,
  });
  try {
    await started.confined;
    sendPidfd(request.pidfdSocket, started, 'setns', context.kernel);
    request.onStarted(started);
  } catch (error) {
    signalProcess(started.identity, 'SIGKILL'); // its pid was not given to the caller
    throw error;
  }
  return started;
}

/**
 * Leaves no process behind when it fails.
 * @returns the shim that carries the process's stdio and exit code. @throws ContainerNotFoundError, StateError, AgentError, KataError
 */
export async function execProcess(context: Context, request: ExecRequest): Promise<SpawnedProcess> {
  const found = loadContainerFor('exec', request.id);
  await continueTrace(context, { sandboxId: found.sandboxId, id: request.id });
  const terminalPath = openConsole({ terminal: request.process.terminal ?? false, ...request }, context.kernel);
  const names = { container_id: request.id, exec_id: randomUuid() };
  const agent = await connectGuest(found.sandbox, { trace: context.trace });
  try {
    await agent.call('execProcess', { ...names, process: agentProcess(request.process, isNullStdin()) });
    try {
      return await context.trace.step('shim start', () => startShim(context, request, { found, execId: names.exec_id, terminalPath }));
    } catch (error) {
      // Without a shim no caller could signal the process or read its exit code.
      await agent.call('signalProcess', { ...names, signal: SIGKILL }).catch(() => {});
      throw error;
    }
  } finally {
    agent.close();
  }
}
