/** Limits what QEMU can use of the resources that the kernel counts for all processes of root together. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { applyPart } from '../configuration/confinement-parts.ts';
import type { Context } from '../context/context.ts';

/**
 * `user`: QEMU's user; undefined for root. A runtime without CAP_SYS_RESOURCE cannot set the limits of another user's process (prlimit(2)):
 * QEMU then keeps those of the runtime. @throws KataError that names the setting which disables the part
 */
export function limitResources(pid: number, user: number | undefined, { kernel, log }: Pick<Context, 'kernel' | 'log'>): void {
  if (user === undefined) return applyPart('ownRoot', () => kernel.limitResources(pid));
  try {
    kernel.limitResources(pid);
  } catch (error) {
    log.warn('QEMU has no limits of core dumps, timers, queued signals and message queues', { reason: errorMessage(error) });
  }
}
