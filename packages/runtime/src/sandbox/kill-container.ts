/** `kill`: signals the container's process, or all its processes. */
import { constants } from 'node:os';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { StateError } from '@kata-containers/common/errors/kata-error';
import { isAlive, signalProcess } from '@kata-containers/common/process/process-identity';
import { waitForEnd } from '../processes/end-process.ts';
import { guestTimeout } from '../context/context.ts';
import type { Context } from '../context/context.ts';
import { currentState } from '../state/container-status.ts';
import { loadSandbox, requireContainer, changeContainer } from '../state/state-store.ts';
import type { SandboxState } from '../state/state.ts';
import { connectGuest } from '../vm/connect-guest.ts';
import { continueTrace } from './continue-trace.ts';

const { SIGKILL } = constants.signals;
/** Time for the guest to accept a signal. */
const SIGNAL_TIMEOUT_MS = 5000;
/** Maximum time before SIGKILL ends the VM, also with a slow guest: the caller of `kill` expects the end within seconds. */
const KILL_TIMEOUT_MS = 10_000;
/** When a process ends during the call, its shim ends within this time. */
const SHIM_END_MS = 1000;

type KillTools = Pick<Context, 'log' | 'trace'>;

export interface KillRequest {
  readonly id: string;
  /** Signal number. */
  readonly signal: number;
  /** Every process of the container, not just its first. */
  readonly all: boolean;
}

async function signalInGuest({ trace }: KillTools, sandbox: SandboxState, { id, signal, all }: KillRequest): Promise<void> {
  const timeoutMs = guestTimeout(SIGNAL_TIMEOUT_MS, sandbox.HypervisorState.Accelerator);
  const callTimeoutMs = signal === SIGKILL ? Math.min(timeoutMs, KILL_TIMEOUT_MS) : timeoutMs;
  const agent = await connectGuest(sandbox, { connectTimeoutMs: SIGNAL_TIMEOUT_MS, callTimeoutMs, trace });
  try {
    await agent.call('signalProcess', { container_id: id, exec_id: all ? '' : id, signal });
  } finally {
    agent.close();
  }
}

/**
 * SIGKILL always works: when the guest refuses it for a running process, the VM is ended.
 * @throws ContainerNotFoundError, StateError (`container not running`, which callers match), AgentError
 */
export async function killContainer(context: KillTools, request: KillRequest): Promise<void> {
  const { sandboxId, record } = requireContainer(request.id);
  await continueTrace(context, { sandboxId, id: request.id });
  if (currentState(record) === 'stopped') {
    if (request.all) return;
    throw new StateError('container not running');
  }
  const sandbox = loadSandbox(sandboxId);
  try {
    await signalInGuest(context, sandbox, request);
    // The guest thaws a paused container for the signal, as runc does for SIGKILL.
    if (record.State === 'paused') changeContainer(sandboxId, request.id, { State: 'running' });
  } catch (error) {
    const vm = sandbox.HypervisorState.Process;
    if (request.signal !== SIGKILL) throw error;
    if (!isAlive(vm) || (await waitForEnd(record.Process.Shim, SHIM_END_MS))) return;
    context.log.warn('the guest did not deliver SIGKILL: its VM is ended', { reason: errorMessage(error) });
    signalProcess(vm, 'SIGKILL');
  }
}
