/**
 * System calls that reach what the namespaces of QEMU do not separate from the host, or much code of the host's kernel. The filter of QEMU
 * itself (`-sandbox`) allows these calls.
 */
import { denyFilter } from '@kata-containers/common/confinement/seccomp-filter-plan';
import type { SyscallRule } from '@kata-containers/common/confinement/seccomp-filter-plan';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

/** Numbers on x86-64. The keyrings of root (keyrings(7)), counters of the CPU, and page faults that hold threads up in the kernel. */
const denied = { add_key: 248, request_key: 249, keyctl: 250, perf_event_open: 298, userfaultfd: 323 } as const;
/** The flags of clone3(2) are in memory, where a filter cannot read them. The C library uses clone(2) then. */
const CLONE3 = 435;
const conditional = { socket: 41, clone: 56, fcntl: 72, unshare: 272 } as const;

/** Families of socket(2) that network namespaces separate, and that ip(8) and tc(8) need: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET. */
const FAMILIES = [1, 2, 10, 16, 17];
/** In a user namespace a process has all capabilities over new namespaces: mounts, netfilter and other code of the kernel (user_namespaces(7)). */
const CLONE_NEWUSER = 0x10000000;
/** A lease of the kernel's or image's file delays each process that opens the file (fcntl(2)). */
const F_SETLEASE = 1024;

const rules: readonly SyscallRule[] = [
  { call: conditional.socket, condition: { argument: 0, isOneOf: FAMILIES } },
  { call: conditional.clone, condition: { argument: 0, lacksBits: CLONE_NEWUSER } },
  { call: conditional.unshare, condition: { argument: 0, lacksBits: CLONE_NEWUSER } },
  { call: conditional.fcntl, condition: { argument: 1, isNot: F_SETLEASE } },
];

/** Filters add up, and stay. */
let isForbidden = false;

/** From now on the main thread, and the programs that it starts, cannot use these calls. @throws KernelError */
export function forbidSharedCalls(kernel: Pick<Kernel, 'filterSystemCalls'>): void {
  if (isForbidden) return;
  kernel.filterSystemCalls(denyFilter([...Object.values(denied), CLONE3], rules), 'this thread');
  isForbidden = true;
}
