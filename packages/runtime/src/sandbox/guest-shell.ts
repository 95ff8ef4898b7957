/** `kata-shell`: a process in the guest itself, beside the containers of a sandbox, with its own shim. */
import { debugShellParameter, guestItself } from '@kata-containers/common/agent-api/guest-processes';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import { agentProcess } from '../bundle/agent-spec.ts';
import type { Context } from '../context/context.ts';
import { launchShim } from '../processes/launch-shim.ts';
import type { StartedShim } from '../processes/launch-shim.ts';
import { isNullStdin } from '../processes/null-stdin.ts';
import { commandLineOf } from '../processes/process-use.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';
import type { SandboxState } from '../state/state.ts';
import { loadSandbox, requireContainer } from '../state/state-store.ts';
import { isWaitingShim } from '../processes/waiting-shim.ts';
import { healthText } from '../vm/sandbox-health.ts';
import { execWithShim } from './exec-with-shim.ts';

export interface GuestShellRequest {
  /** A container of the sandbox. */
  readonly id: string;
  readonly args: readonly string[];
  readonly terminal: boolean;
  /** TERM of the caller's terminal. */
  readonly term: string | undefined;
}

/** PATH and home directory of root in the guest. */
const environment = ['PATH=/bin:/sbin:/usr/bin:/usr/sbin', 'HOME=/root'];

/** Checks the kernel parameters of the running VM, because the configuration may have changed. @throws StateError */
function checkAllowed(id: string, { HypervisorState: { Process } }: SandboxState): void {
  if (commandLineOf(Process.pid).split(/[ \0]/).includes(debugShellParameter)) return;
  const remedy = 'set debug_console_enabled = true in [agent.kata] of configuration.toml, and create the container again';
  throw new StateError(`the VM of container ${id} was started without a debugging shell: ${remedy}`);
}

const OWN_NETWORK = '/proc/self/ns/net';

/** Without cgroup and namespaces of the container: the shell is not a process of the container. */
function startShim(
  context: Context,
  sandbox: SandboxState,
  { execId, waits }: { execId: string; waits: boolean },
  { args, terminal }: GuestShellRequest,
): StartedShim {
  const { shim } = context.configuration;
  return launchShim(
    {
      binary: shim.path,
      agentUrl: sandbox.AgentState.URL,
      containerId: guestItself,
      execId,
      args,
      terminal,
      debug: shim.enable_debug,
      trace: false,
      confine: shim.confine,
      waits,
      namespaces: { network: OWN_NETWORK },
      console: undefined,
      quiet: false,
      environment: context.environment,
    },
    context.kernel,
  );
}

/** @returns the shim, which inherits the runtime's stdio. @throws ContainerNotFoundError, StateError, AgentError */
export async function openGuestShell(context: Context, request: GuestShellRequest): Promise<SpawnedProcess> {
  const { id, args, terminal, term } = request;
  const sandbox = loadSandbox(requireContainer(id).sandboxId);
  if (!isAlive(sandbox.HypervisorState.Process)) throw new StateError(`the VM of container ${id} has ended: ${healthText(sandbox)}`);
  checkAllowed(id, sandbox);
  const names = { container_id: guestItself, exec_id: randomUuid() };
  const waits = isWaitingShim(context.configuration.shim.path);
  const env = term === undefined ? environment : [...environment, `TERM=${term}`];
  return execWithShim(context, {
    sandbox,
    names,
    process: agentProcess({ args: [...args], cwd: '/', env, terminal }, isNullStdin()),
    launch: () => startShim(context, sandbox, { execId: names.exec_id, waits }, request),
    waits,
    attached: true,
  });
}
