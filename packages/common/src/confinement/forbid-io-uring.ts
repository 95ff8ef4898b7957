/** Forbids io_uring(7): its operations bypass seccomp filters and reach a large part of the kernel. */
import type { Kernel } from '../kernel/kernel.ts';
import { denyFilter } from './seccomp-filter-plan.ts';

/** Number of io_uring_setup, on all architectures. */
const IO_URING_SETUP = 425;

/** Filters accumulate and cannot be removed. */
let isForbidden = false;

/** Forbids new io_urings for the main thread and for the programs that it starts. Existing io_urings can be used. @throws KernelError */
export function forbidIoUring(kernel: Pick<Kernel, 'filterSystemCalls'>): void {
  if (isForbidden) return;
  kernel.filterSystemCalls(denyFilter([IO_URING_SETUP]), 'this thread');
  isForbidden = true;
}
