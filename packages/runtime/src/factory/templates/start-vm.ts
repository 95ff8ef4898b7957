/** Starts a VM for a sandbox or for the cache: cloned from a template if possible, otherwise booted. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Seccomp } from '@kata-containers/common/oci/spec';
import type { Context } from '../../context/context.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { firstContainer } from '../../state/sandbox-name.ts';
import type { ContainerPlace } from '../../state/sandbox-name.ts';
import { undoSince } from '../../undo/undo.ts';
import { enterCgroupOf } from '../../vm/container-cgroup.ts';
import { BootTimeoutError, startGuest } from '../../vm/start-guest.ts';
import type { GuestStart } from '../../vm/guest-start.ts';
import type { RunningVm } from '../../vm/start-guest.ts';
import { cloneObstacle } from './cloneable-plan.ts';
import { reseedClone } from './reseed-clone.ts';
import type { LockedTemplate } from './template-store.ts';
import { TemplateWaitError } from './template-wait-error.ts';
import { clonePlan, hasTemplate, lockTemplate } from './use-template.ts';

export interface VmStart extends GuestStart {
  /** The seccomp profile of the first container. */
  readonly seccomp?: Seccomp | undefined;
  /** The VM is booted: a clone has failed. */
  readonly boots?: boolean;
}

const placeOf = ({ sandboxId }: QemuPlan): ContainerPlace => ({ sandboxId, id: firstContainer(sandboxId) });

/**
 * Enters the container's cgroups beside other work, if `startVm` will need no new template, which does not belong to a container. To be
 * awaited before anything is undone: cgroups that a process is entering cannot be removed.
 */
export async function prepareStart(context: Context, plan: QemuPlan): Promise<void> {
  try {
    const isCloned = context.configuration.factory.enable_template && cloneObstacle(plan) === undefined;
    if (!isCloned || hasTemplate(context, plan)) await enterCgroupOf(context, placeOf(plan));
  } catch {
    // A file of the VM is missing: startVm reports it.
  }
}

/** Releases the template. Leaves nothing behind when it fails. @throws KataError when the template cannot be loaded or used */
export async function cloneFrom(context: Context, start: GuestStart, template: LockedTemplate): Promise<RunningVm> {
  const plan = clonePlan(start.plan, template);
  await enterCgroupOf(context, placeOf(plan));
  const begun = start.journal.entries().length;
  try {
    // The answer to these calls also shows that the guest runs: a check before them would take as long as one of them.
    return await startGuest(context, { ...start, plan, state: template.files.state, firstCall: reseedClone });
  } catch (error) {
    await undoSince(start.journal, begun, context);
    throw error;
  } finally {
    template.release();
  }
}

/** @throws KataError when a template cannot be made, loaded or used */
async function cloneTemplate(context: Context, { seccomp, ...start }: VmStart): Promise<RunningVm> {
  const template = await context.trace.step('lock template', () => lockTemplate(context, start.plan, seccomp));
  return cloneFrom(context, start, template);
}

/** Why no VM was cloned. */
interface NoClone {
  /** Time for which the template of another process was awaited, in milliseconds. */
  readonly waitedMs: number;
}

/** Without a usable template the VM is booted, which is only slower. @throws BootTimeoutError when the template's VM did not boot in time */
async function cloneIfPossible(context: Context, start: VmStart): Promise<RunningVm | NoClone> {
  if (!context.configuration.factory.enable_template) return { waitedMs: 0 };
  const reason = cloneObstacle(start.plan);
  if (reason !== undefined) {
    context.log.info('the VM is booted, not cloned', { reason });
    return { waitedMs: 0 };
  }
  try {
    return await cloneTemplate(context, start);
  } catch (error) {
    if (error instanceof BootTimeoutError) throw error;
    context.log.warn('no VM template can be used: the VM is booted', { reason: errorMessage(error) });
    return { waitedMs: error instanceof TemplateWaitError ? error.waitedMs : 0 };
  }
}

async function boot(context: Context, start: GuestStart): Promise<RunningVm> {
  await enterCgroupOf(context, placeOf(start.plan));
  return startGuest(context, start);
}

/** Changes on the host are in the journal, also after an error. @throws KataError */
export async function startVm(context: Context, start: VmStart): Promise<RunningVm> {
  const clone = start.boots === true ? { waitedMs: 0 } : await cloneIfPossible(context, start);
  return 'vm' in clone ? clone : boot(context, { ...start, waitedMs: clone.waitedMs });
}
