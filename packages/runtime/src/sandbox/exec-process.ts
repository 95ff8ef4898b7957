/** `exec`: starts another process in a container, with its own shim. */
import type { Process } from '@kata-containers/common/oci/spec';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import { isNullStdin } from '../processes/null-stdin.ts';
import { isWaitingShim } from '../processes/waiting-shim.ts';
import { agentProcess } from '../bundle/agent-spec.ts';
import { openConsole } from '../processes/console.ts';
import { sendPidfd } from '../processes/send-pidfd.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';
import type { Context } from '../context/context.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import { enterCgroupOf } from '../vm/container-cgroup.ts';
import { continueTrace } from './continue-trace.ts';
import { execWithShim } from './exec-with-shim.ts';
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

/**
 * Leaves no process behind when it fails.
 * @returns the shim that carries the process's stdio and exit code. @throws ContainerNotFoundError, StateError, AgentError, KataError
 */
export async function execProcess(context: Context, request: ExecRequest): Promise<SpawnedProcess> {
  const { sandboxId, record, sandbox } = loadContainerFor('exec', request.id);
  await continueTrace(context, { sandboxId, id: request.id });
  const terminal = request.process.terminal ?? false;
  const terminalPath = openConsole({ terminal, ...request }, context.kernel);
  const names = { container_id: request.id, exec_id: randomUuid() };
  const waits = isWaitingShim(context.configuration.shim.path);
  const target = {
    waits,
    sandboxId,
    sandbox,
    containerId: names.container_id,
    execId: names.exec_id,
    args: request.process.args ?? [],
    terminal,
    console: terminalPath,
    attached: request.attached,
    namespaces: { network: sandbox.Network.NetNsPath, joinPidOf: record.Process.Shim.pid },
  };
  // A shim that cannot wait for its process starts in its cgroup: it may end while it is moved, and the JS engine would reap it.
  if (!waits) await enterCgroupOf(context, { sandboxId, id: request.id });
  return execWithShim(context, {
    sandbox,
    names,
    process: agentProcess(request.process, isNullStdin()),
    launch: () => launchShimFor(context, target),
    waits,
    attached: request.attached,
    onStarted: (shim) => {
      sendPidfd(request.pidfdSocket, shim, 'setns', context.kernel);
      request.onStarted(shim);
    },
  });
}
