/**
 * System calls that reach what the namespaces of QEMU do not separate from the host: the keyrings of root (keyrings(7)), sockets of vsock(7),
 * and counters of the CPU (perf_event_open(2)). userfaultfd(2) holds threads up in the kernel, which exploits of the kernel use. The filter of
 * QEMU itself (`-sandbox`) allows these calls.
 */
import { denyFilter } from '@kata-containers/common/confinement/seccomp-filter-plan';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

// Numbers on x86-64.
const ADD_KEY = 248;
const REQUEST_KEY = 249;
const KEYCTL = 250;
const PERF_EVENT_OPEN = 298;
const USERFAULTFD = 323;
const SOCKET = 41;

/** Families of socket(2) that network namespaces separate, and that ip(8) and tc(8) need: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET. */
const FAMILIES = [1, 2, 10, 16, 17];

/** Filters add up, and stay. */
let isForbidden = false;

/** From now on the main thread, and the programs that it starts, cannot use these calls. @throws KernelError */
export function forbidSharedCalls(kernel: Pick<Kernel, 'filterSystemCalls'>): void {
  if (isForbidden) return;
  const sockets = { call: SOCKET, condition: { argument: 0, isOneOf: FAMILIES } };
  kernel.filterSystemCalls(denyFilter([ADD_KEY, REQUEST_KEY, KEYCTL, PERF_EVENT_OPEN, USERFAULTFD], [sockets]), 'this thread');
  isForbidden = true;
}
