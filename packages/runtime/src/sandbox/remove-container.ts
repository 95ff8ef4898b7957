/** Takes one container out of a pod's sandbox that goes on. */
import { dirname } from 'node:path';
import { connectAgent } from '@kata-containers/common/agent-api/agent-connection';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { isAlive } from '@kata-containers/common/process/process-identity';
import { REQUEST_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Tools } from './context.ts';
import { callGuest } from './call-guest.ts';
import { recordedLimits, resizeSandbox } from './resize-sandbox.ts';
import { isFree } from '../sizing/limits-plan.ts';
import { containerEntries, handOver } from './container-journal.ts';
import { containerFile } from './paths.ts';
import { unplugDisks } from './plug-disks.ts';
import { forgetContainer, removeStateDirectory } from './remove-sandbox.ts';
import type { ContainerRecord, SandboxState } from './state.ts';
import { undoAll } from './undo.ts';

const SIGKILL = 9;

async function removeInGuest(sandbox: SandboxState, id: string): Promise<void> {
  const agent = await connectAgent(sandbox.AgentState.URL, {});
  const deadline = { deadlineMs: guestTimeout(REQUEST_TIMEOUT_MS, sandbox.HypervisorState.Accelerator) };
  try {
    await agent.call('signalProcess', { container_id: id, exec_id: '', signal: SIGKILL }, deadline).catch(() => {});
    await agent.call('removeContainer', { container_id: id }, deadline);
  } finally {
    agent.close();
  }
}

/** Takes back the processors that were for this container. A guest that keeps them does no harm. */
async function shrink(context: Tools, sandboxId: string, state: SandboxState, record: ContainerRecord | undefined): Promise<void> {
  if (!record || isFree([recordedLimits(record)])) return;
  await callGuest(state, (agent) => resizeSandbox(context, { id: sandboxId, state, agent }, 'changed')).catch((error: unknown) =>
    context.log.warn('the VM stays as large as it was', { reason: errorMessage(error) }),
  );
}

/** `sandbox`: undefined when its state is lost; then the guest is not asked. @throws KataError when something of it stays on the host */
export async function removeContainer(
  context: Tools,
  { sandboxId, id, record }: { sandboxId: string; id: string; record: ContainerRecord | undefined },
  sandbox: SandboxState | undefined,
): Promise<void> {
  const isThere = sandbox !== undefined && isAlive(sandbox.HypervisorState.Process);
  if (isThere) {
    await removeInGuest(sandbox, id).catch((error: unknown) =>
      context.log.warn('the guest did not remove the container', { reason: errorMessage(error) }),
    );
    await unplugDisks(context, { sandboxId, containerId: id }).catch((error: unknown) =>
      context.log.warn('block devices of the container are not given back', { reason: errorMessage(error) }),
    );
  }
  const entries = containerEntries(sandboxId, id);
  const failures = await undoAll(entries);
  if (failures.length > 0) handOver(sandboxId, entries);
  removeStateDirectory(dirname(containerFile(sandboxId, id)));
  forgetContainer(sandboxId, id);
  if (isThere && isAlive(sandbox.HypervisorState.Process)) await shrink(context, sandboxId, sandbox, record);
  if (failures.length > 0) throw new KataError(`container ${id} is not removed completely: ${failures.join('; ')}`);
}
