/** The template that a new VM can be cloned from. */
import type { Seccomp } from '@kata-containers/common/oci/spec';
import { hasFeature } from '../../hypervisor/qemu/qemu-features.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { BOOT_TIMEOUT_MS, guestTimeout } from '../../context/context.ts';
import type { Context } from '../../context/context.ts';
import { readLastProfile } from './last-profile.ts';
import { makeTemplate } from './make-template.ts';
import { templateInputs, templateKey } from './template-key.ts';
import { TemplateStore } from './template-store.ts';
import type { LockedTemplate } from './template-store.ts';

/** Longer than a boot and a save: after this time booting is faster than waiting. At most a third of the time of a boot, which includes it. */
const WAIT_MS = BOOT_TIMEOUT_MS / 3;

export const templateStore = ({ configuration, kernel }: Pick<Context, 'configuration' | 'kernel'>): TemplateStore =>
  new TemplateStore(configuration.factory.template_path, kernel);

/**
 * Locks the template. A missing template is made for a container with the profile `seccomp`, or with the profile of the last container.
 * @throws KataError
 */
export async function lockTemplate(context: Context, plan: QemuPlan, seccomp?: Seccomp): Promise<LockedTemplate> {
  const inputs = templateInputs(plan);
  return templateStore(context).hold(
    templateKey(plan, inputs),
    async (files) => {
      context.log.info('making a VM template', { directory: files.directory });
      const profile = seccomp ?? readLastProfile(context.configuration.factory.template_path);
      await context.trace.step('make template', () => makeTemplate(context, plan, files, { inputs, seccomp: profile }));
    },
    guestTimeout(WAIT_MS, plan.accelerator),
  );
}

/** Locks the plan's template if it is complete. @throws Error when a file of the VM is missing */
export const lockCompleteTemplate = (context: Context, plan: QemuPlan): LockedTemplate | undefined =>
  templateStore(context).tryHold(templateKey(plan, templateInputs(plan)));

/** Whether the plan's template is complete. @throws Error when a file of the VM is missing */
export const hasTemplate = (context: Context, plan: QemuPlan): boolean =>
  templateStore(context).has(templateKey(plan, templateInputs(plan)));

/** The plan of a VM that is loaded from the template. */
export const clonePlan = (plan: QemuPlan, { files }: LockedTemplate): QemuPlan => ({
  ...plan,
  memoryFile: { path: files.memory, shared: false, readOnly: hasFeature(plan.binary, 'read-only-memory-files') },
  ...(plan.keepsCode && { codeFile: files.code }),
  incoming: true,
});
