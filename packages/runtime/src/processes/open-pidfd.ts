import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';

/** A pidfd of the process; undefined when the process has ended, or the kernel has no pidfds (before Linux 5.3). */
export function openPidfd(kernel: Pick<Kernel, 'openPidfd'>, { pid }: ProcessIdentity): number | undefined {
  try {
    return kernel.openPidfd(pid);
  } catch {
    return undefined;
  }
}
