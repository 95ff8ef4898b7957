/** Starts a process in the guest and its shim: at the same time, if the shim can wait for its process. */
import { constants } from 'node:os';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { Process } from '@kata-containers/common/generated/oci';
import type { Context } from '../context/context.ts';
import { beginShim } from '../processes/begin-shim.ts';
import type { StartedShim } from '../processes/launch-shim.ts';
import type { SandboxState } from '../state/state.ts';
import { connectGuest } from '../vm/connect-guest.ts';

export interface ExecCall {
  readonly sandbox: SandboxState;
  readonly names: { readonly container_id: string; readonly exec_id: string };
  readonly process: Process;
  readonly launch: () => StartedShim;
  /** The shim can wait for its process (isWaitingShim). */
  readonly waits: boolean;
  /** The caller waits for the shim. */
  readonly attached: boolean;
  /** Called when process and shim have started; when it throws, both are killed. */
  readonly onStarted?: (shim: StartedShim) => void;
}

const { SIGKILL } = constants.signals;

class StartingShim {
  readonly #context: Pick<Context, 'trace'>;
  readonly #launch: () => StartedShim;
  #shim: StartedShim | undefined;
  #starting: Promise<StartedShim> | undefined;

  constructor(context: Pick<Context, 'trace'>, launch: () => StartedShim) {
    this.#context = context;
    this.#launch = launch;
  }

  /** The first call launches the shim. Resolves when it has started. @throws KataError, KernelError */
  start(): Promise<StartedShim> {
    this.#starting ??= this.#context.trace.step('shim start', async () => {
      const shim = (this.#shim = this.#launch());
      await shim.ready;
      return shim;
    });
    return this.#starting;
  }

  async abandon(): Promise<void> {
    await this.#shim?.abandon();
  }
}

async function exec(
  { names, process: spec, attached, onStarted }: ExecCall,
  agent: AgentConnection,
  starting: StartingShim,
): Promise<StartedShim> {
  await agent.call('execProcess', { ...names, process: spec });
  try {
    const shim = await starting.start();
    onStarted?.(shim);
    beginShim(shim, attached);
    return shim;
  } catch (error) {
    // Without a shim no caller could signal the process or read its exit code.
    await agent.call('signalProcess', { ...names, signal: SIGKILL }).catch(() => {});
    throw error;
  }
}

/** Leaves no process behind when it fails. @throws StateError, AgentError, KataError */
export async function execWithShim(context: Context, call: ExecCall): Promise<StartedShim> {
  const starting = new StartingShim(context, call.launch);
  // The guest's error is reported first: it names the reason, for example that the container has ended.
  if (call.waits) starting.start().catch(() => {});
  try {
    const agent = await connectGuest(call.sandbox, { trace: context.trace });
    try {
      return await exec(call, agent, starting);
    } finally {
      agent.close();
    }
  } catch (error) {
    await starting.abandon();
    throw error;
  }
}
