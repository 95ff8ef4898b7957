/** `update`: new limits for a container: resizes the VM, and the guest applies them. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Resources } from '@kata-containers/common/oci/spec';
import { guestResources } from '../bundle/agent-spec.ts';
import { updatedLimits } from '../sizing/limits-plan.ts';
import type { Limits } from '../sizing/limits-plan.ts';
import { callGuest } from './call-guest.ts';
import { continueTrace } from './continue-trace.ts';
import type { Tools } from '../context/context.ts';
import { limitWhole } from './host-limits.ts';
import { loadContainerFor } from '../state/load-container-for.ts';
import type { FoundContainer } from '../state/load-container-for.ts';
import { recordedLimits, resizeSandbox } from './resize-sandbox.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { changeContainer } from '../state/state-store.ts';

/** The guest's disks have no I/O scheduler with weights. */
function warnOfIgnored({ blockIO }: Resources, log: Logger): void {
  if (Number(blockIO?.weight ?? 0) !== 0) log.warn('a weight of block I/O has no effect in a guest');
}

function limitIfWhole(context: Tools, id: string, { sandboxId, sandbox }: FoundContainer, limits: Limits): void {
  if (isFirstContainer(sandboxId, id) && sandbox.Config?.SandboxCgroupOnly === true) limitWhole(context, { sandboxId, id }, limits);
}

/** The VM grows first, then the container's limit. */
async function apply(context: Tools, found: FoundContainer, id: string, resources: Resources): Promise<void> {
  const { sandboxId, record, sandbox } = found;
  const before = recordedLimits(record);
  const limits = updatedLimits(before, resources);
  const isChanged = JSON.stringify(limits) !== JSON.stringify(before);
  changeContainer(sandboxId, id, { Limits: limits });
  if (isChanged) limitIfWhole(context, id, found, limits);
  await callGuest(sandbox, async (agent) => {
    if (isChanged) await resizeSandbox(context, { id: sandboxId, state: sandbox, agent }, 'changed');
    await agent.call('updateContainer', { container_id: id, resources: guestResources(resources) });
  });
}

/** Zero means unchanged. Restores the old limits after an error. @throws ContainerNotFoundError, StateError, AgentError, KataError */
export async function updateContainer(context: Tools, id: string, resources: Resources): Promise<void> {
  const found = loadContainerFor('update', id);
  await continueTrace(context, { sandboxId: found.sandboxId, id });
  warnOfIgnored(resources, context.log);
  try {
    await apply(context, found, id, resources);
  } catch (error) {
    changeContainer(found.sandboxId, id, { Limits: recordedLimits(found.record) });
    limitIfWhole(context, id, found, recordedLimits(found.record));
    throw error;
  }
}
