/** Executes a program on a kernel that lacks system calls: `without-calls.ts NUMBER,… PROGRAM [ARG…]`. The calls fail with ENOSYS. */
import { denyFilter } from '../../../packages/common/src/confinement/seccomp-filter-plan.ts';
import { linuxKernel } from '../../../packages/common/src/kernel/linux-kernel.ts';

const [numbers = '', program = '', ...args] = process.argv.slice(2);
linuxKernel.filterSystemCalls(denyFilter(numbers.split(',').map(Number)), 'this thread');
process.execve?.(program, [program, ...args]);
