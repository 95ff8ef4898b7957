/** io_uring(7): what is done by it passes seccomp filters by, and much of the kernel can be reached by it. */
import type { Kernel } from '../kernel/kernel.ts';
import { denyFilter } from './seccomp-filter-plan.ts';

/** Its number, on x86-64 as elsewhere. */
const IO_URING_SETUP = 425;

/** Filters add up, and stay. */
let isForbidden = false;

/** From now on the main thread, and the programs that it starts, cannot make one. Those that there are can be used. @throws KernelError */
export function forbidIoUring(kernel: Pick<Kernel, 'filterSystemCalls'>): void {
  if (isForbidden) return;
  kernel.filterSystemCalls(denyFilter([IO_URING_SETUP]), 'this thread');
  isForbidden = true;
}
