/** The system calls that a confined process may use: those of the engine for memory, threads, timers, and files that are open. Pure. */
import { PIDFD_GET_INFO } from '../kernel/pidfd-controls.ts';
import type { ArgumentCondition, SyscallRule } from './seccomp-filter-plan.ts';

/** Numbers on x86-64 (asm/unistd_64.h). Frequent calls are first: the filter compares in this order. */
const always: Readonly<Record<string, number>> = {
  ...{ futex: 202, read: 0, write: 1, epoll_wait: 232, epoll_pwait: 281, recvmsg: 47, sendmsg: 46, writev: 20, readv: 19 },
  ...{ madvise: 28, mmap: 9, munmap: 11, mprotect: 10, mremap: 25, brk: 12, getpid: 39, gettid: 186, clock_gettime: 228 },
  ...{ epoll_ctl: 233, epoll_create1: 291, epoll_pwait2: 441, poll: 7, ppoll: 271, eventfd2: 290, pipe2: 293 },
  ...{ close: 3, fstat: 5, lseek: 8, pread64: 17, pwrite64: 18, preadv: 295, pwritev: 296, fcntl: 72, dup: 32, dup3: 292 },
  // Only for open files: the root directory is empty.
  ...{ ftruncate: 77, newfstatat: 262, statx: 332, fadvise64: 221, inotify_rm_watch: 255 },
  ...{ recvfrom: 45, sendto: 44, recvmmsg: 299, sendmmsg: 307, accept4: 288, shutdown: 48 },
  ...{ getsockname: 51, getpeername: 52, setsockopt: 54, getsockopt: 55 },
  ...{ rt_sigaction: 13, rt_sigprocmask: 14, rt_sigreturn: 15, rt_sigtimedwait: 128, sigaltstack: 131, restart_syscall: 219 },
  ...{
    sched_yield: 24,
    sched_getaffinity: 204,
    sched_getparam: 143,
    sched_getscheduler: 145,
    sched_get_priority_max: 146,
    sched_get_priority_min: 147,
    getcpu: 309,
    nanosleep: 35,
    clock_nanosleep: 230,
    clock_getres: 229,
  },
  ...{ set_robust_list: 273, set_tid_address: 218, rseq: 334, membarrier: 324, exit: 60, exit_group: 231 },
  ...{ getrusage: 98, times: 100, sysinfo: 99, uname: 63, getppid: 110, getuid: 102, getgid: 104, geteuid: 107, getegid: 108 },
  ...{ pkey_alloc: 330, pkey_free: 331, pkey_mprotect: 329, getrandom: 318, gettimeofday: 96, time: 201 },
};

const calls = { clone: 56, ioctl: 16, kill: 62, prctl: 157, prlimit64: 302, socket: 41, connect: 42, bind: 49, tgkill: 234 } as const;

const CLONE_THREAD = 0x10000;
const PR_SET_NAME = 15;
const PR_SET_VMA = 0x53564d41;
/** 0: the process itself. */
const SELF = 0;

/**
 * asm-generic/ioctls.h: of terminals TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, and those four with struct termios2; FIONREAD, FIONBIO,
 * FIOCLEX. TIOCSTI is not allowed: it inserts input into the terminal.
 */
const terminalControls = [0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d];
const fileControls = [0x541b, 0x5421, 0x5451];

export interface AllowedSyscalls {
  /** Pid of the process in its own PID namespace. The process may signal only itself. */
  readonly pid: number;
  /** Address families (address_families(7)) of sockets that the process may create. */
  readonly sockets: readonly number[];
}

export function syscallRules({ pid, sockets }: AllowedSyscalls): SyscallRule[] {
  const socketCalls: SyscallRule[] =
    sockets.length === 0
      ? []
      : [{ call: calls.socket, condition: { argument: 0, isOneOf: sockets } }, { call: calls.connect }, { call: calls.bind }];
  const conditional: readonly (readonly [call: number, condition: ArgumentCondition])[] = [
    [calls.clone, { argument: 0, hasBits: CLONE_THREAD }],
    [calls.ioctl, { argument: 1, isOneOf: [...terminalControls, ...fileControls, PIDFD_GET_INFO] }],
    [calls.prctl, { argument: 0, isOneOf: [PR_SET_NAME, PR_SET_VMA] }],
    [calls.prlimit64, { argument: 0, isOneOf: [SELF] }],
    [calls.kill, { argument: 0, isOneOf: [pid] }],
    [calls.tgkill, { argument: 0, isOneOf: [pid] }],
  ];
  return [
    ...Object.values(always).map((call) => ({ call })),
    ...conditional.map(([call, condition]) => ({ call, condition })),
    ...socketCalls,
  ];
}
