/** A VM that nobody uses yet: cloned from a template if there can be one, else booted. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { whyNotCloned } from './cloneable-plan.ts';
import { individualise } from './individualise.ts';
import { clonePlan, holdTemplate } from './use-template.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { REQUEST_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import type { Context } from '../context/context.ts';
import { enterCgroupOf } from '../vm/container-cgroup.ts';
import { guestReady, spawnGuest, startGuest, vmReady } from '../vm/start-guest.ts';
import type { GuestStart, SpawnedGuest, StartedGuest } from '../vm/start-guest.ts';
import { timed } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { undoAll } from '../undo/undo.ts';

export type Up = StartedGuest & { readonly plan: QemuPlan };

/** Undoes what was recorded since, which only starts processes and their sockets: the VM's directories stay. */
export async function undoSince(journal: UndoJournal, count: number, log: Logger): Promise<void> {
  for (const failure of await undoAll(journal.entries().slice(count))) log.warn('a VM that failed is still there', { failure });
}

/** A clone that may be used. @throws KataError */
export async function cloneReady(context: Context, start: GuestStart, spawned: SpawnedGuest): Promise<Up> {
  const guest = await guestReady(context, start, spawned);
  const timeoutMs = guestTimeout(REQUEST_TIMEOUT_MS, start.plan.accelerator);
  await timed(context.log, 'entropy and clock', () => individualise(guest.agent, timeoutMs));
  return { ...guest, plan: start.plan };
}

/** @throws KataError when a template cannot be made, loaded or used */
async function clone(context: Context, start: GuestStart): Promise<Up> {
  const template = await timed(context.log, 'hold template', () => holdTemplate(context, start.plan));
  const plan = clonePlan(start.plan, template);
  enterCgroupOf(context, plan.sandboxId, plan.sandboxId); // not before: the template is nobody's
  const begun = start.journal.entries().length;
  try {
    const cloning = { ...start, plan, state: template.files.state };
    const spawned = await spawnGuest(context, cloning);
    await vmReady(context, cloning, spawned);
    return await cloneReady(context, cloning, spawned);
  } catch (error) {
    await undoSince(start.journal, begun, context.log);
    throw error;
  } finally {
    template.release();
  }
}

/** From a template if there can be one: whatever goes wrong with it only makes the start slower. */
export async function cloneOrBoot(context: Context, start: GuestStart): Promise<Up> {
  const reason = whyNotCloned(start.plan);
  if (context.configuration.factory.enable_template && reason !== undefined) context.log.info('the VM is booted, not cloned', { reason });
  else if (context.configuration.factory.enable_template) {
    try {
      return await clone(context, start);
    } catch (error) {
      context.log.warn('no VM template can be used: the VM is booted', { reason: errorMessage(error) });
    }
  }
  enterCgroupOf(context, start.plan.sandboxId, start.plan.sandboxId);
  return { ...(await startGuest(context, start)), plan: start.plan };
}
