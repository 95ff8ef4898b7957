/** Removes a container, and with the last container its sandbox. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { isAlive, signalProcess } from '@kata-containers/common/process/process-identity';
import { prepareQuit } from '../hypervisor/qemu/qemu-process.ts';
import { guestTimeout } from '../context/context.ts';
import type { Tools } from '../context/context.ts';
import { leaveSandbox } from './leave-sandbox.ts';
import { removeFromSandbox } from './remove-from-sandbox.ts';
import type { RemovedContainer } from './remove-from-sandbox.ts';
import { removeSandbox } from './remove-sandbox.ts';
import { sandboxPaths } from '../context/paths.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import type { SandboxState } from '../state/state.ts';
import { containersOf } from '../state/state-store.ts';
import { connectGuest } from '../vm/connect-guest.ts';

/** Time for the guest to write its caches back before its VM is ended, with KVM, and the part of it for the connection, at most a half. */
const SYNC_TIMEOUT_MS = 3500;
const CONNECT_TIMEOUT_MS = 1000;
/** With `--force`, which must end within ten seconds even with a slow guest: ending the VM and undoing may take five. */
const FORCED_SYNC_TIMEOUT_MS = 4500;
const QUIT_TIMEOUT_MS = 2000;

/** Without DestroySandbox, writes through mmap would be lost. A guest that has ended or does not answer is ignored. */
async function syncGuest(context: Tools, sandbox: SandboxState, force: boolean): Promise<void> {
  const { AgentState, HypervisorState } = sandbox;
  if (!isAlive(HypervisorState.Process) || !isAlive(AgentState.Proxy)) return;
  const { Accelerator } = HypervisorState;
  const timeoutMs = force ? FORCED_SYNC_TIMEOUT_MS : guestTimeout(SYNC_TIMEOUT_MS, Accelerator);
  const deadline = monotonicMs() + timeoutMs;
  const connectTimeoutMs = Math.min(guestTimeout(CONNECT_TIMEOUT_MS, Accelerator), timeoutMs / 2);
  try {
    const agent = await connectGuest(sandbox, { connectTimeoutMs, trace: context.trace });
    try {
      await agent.call('destroySandbox', {}, { deadlineMs: Math.max(1, Math.ceil(deadline - monotonicMs())) });
    } finally {
      agent.close();
    }
  } catch (error) {
    context.log.warn('the guest did not end its sandbox cleanly', { reason: errorMessage(error) });
  }
}

/** Ends the VM cleanly if possible; the journal's entries do the rest, by force where needed. */
async function stopSandbox(context: Tools, id: string, sandbox: SandboxState, force: boolean): Promise<void> {
  const quit = prepareQuit(sandboxPaths(id).qmpSocket, sandbox.HypervisorState.Process, QUIT_TIMEOUT_MS);
  await syncGuest(context, sandbox, force);
  signalProcess(sandbox.AgentState.Proxy, 'SIGTERM');
  await quit();
}

async function endSandbox(
  context: Tools,
  { sandboxId, id }: RemovedContainer,
  sandbox: SandboxState | undefined,
  force: boolean,
): Promise<void> {
  if (sandbox) await context.trace.step('sandbox end', () => stopSandbox(context, sandboxId, sandbox, force));
  context.trace.take();
  const failures = await context.trace.step('undo', () => removeSandbox(sandboxId, context.kernel));
  if (failures.length > 0) throw new KataError(`container ${id} is not removed completely: ${failures.join('; ')}`);
}

/** Whether no other container is left: then the sandbox is removed with this container. */
const isLastOf = ({ sandboxId, id }: RemovedContainer): boolean =>
  isFirstContainer(sandboxId, id) || containersOf(sandboxId).every((other) => other === id);

/** `sandbox`: undefined when its state is lost or incomplete. @throws KataError when a resource could not be removed from the host */
export async function removeContainer(
  context: Tools,
  container: RemovedContainer,
  sandbox: SandboxState | undefined,
  force: boolean,
): Promise<void> {
  const left = sandbox && (await leaveSandbox(context, container, force));
  const isLast = sandbox ? left === undefined : isLastOf(container);
  await (isLast ? endSandbox(context, container, sandbox, force) : removeFromSandbox(context, container, left, force));
}
