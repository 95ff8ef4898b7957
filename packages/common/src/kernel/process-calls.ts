import { address, bind, check } from './ffi.ts';
import type { ProcessCalls } from './kernel.ts';
import { PIDFD_GET_INFO } from './pidfd-controls.ts';

const libc = bind({
  prctl: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'],
  waitid: ['int32', 'uint32', 'pointer', 'int32'],
  kill: ['int32', 'int32'],
  setsid: [],
  setrlimit: ['int32', 'pointer'],
  prlimit: ['int32', 'int32', 'pointer', 'pointer'],
  capget: ['pointer', 'pointer'],
  capset: ['pointer', 'pointer'],
  personality: ['uint64'],
});

/** glibc before version 2.36 has no function for this system call. */
const raw = bind({ syscall: ['int64', 'int32', 'uint32'] });
const SYS_PIDFD_OPEN = 434n;
const pidfds = bind({ ioctl: ['int32', 'uint64', 'pointer'] });
const PIDFD_INFO_EXIT = 8n;
/** struct pidfd_info of linux/pidfd.h: its first field is the mask, its last the exit code. */
const PIDFD_INFO_BYTES = 64;
const EXIT_CODE_OFFSET = 60;
const secure = bind({ syscall: ['int64', 'uint32', 'uint32', 'pointer'] });
const SYS_SECCOMP = 317n;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
/** Without this flag, Linux before 5.16 disables speculative stores of a process with a filter, which makes it slower. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
/** struct sock_filter */
const INSTRUCTION_BYTES = 8;

/** Argument that reads the personality and does not change it. */
const NO_CHANGE = 0xffff_ffffn;
const ADDR_NO_RANDOMIZE = 0x4_0000;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
const SECBIT_NOROOT = 1n;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2n;
const PR_CAP_AMBIENT_CLEAR_ALL = 4n;
const LAST_CAPABILITY = 63n;
const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x1000000;
const CLD_EXITED = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NPROC = 6;
const RLIMIT_NOFILE = 7;
const RLIMIT_SIGPENDING = 11;
/** Half of the largest kernel.threads-max, as the kernel computes the limit (fork_init of kernel/fork.c). */
const QUEUED_SIGNALS = 1n << 21n;
const RLIM_INFINITY = 2n ** 64n - 1n;

/** struct rlimit: soft, hard. */
function limitOf(value: bigint): Buffer {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(value, 0);
  limit.writeBigUInt64LE(value, 8);
  return limit;
}

function setLimit(resource: number, name: string, value: bigint): void {
  const limit = limitOf(value);
  check(libc.setrlimit(resource, limit), 'setrlimit', name);
}

/** core(5): this limit, in bytes, is the only one that also keeps core dumps from the program in core_pattern. */
const NO_CORE = 1n;
/**
 * The kernel counts timers, queued signals and the bytes of message queues for each user, so a process of root could use up the
 * limits of the whole host. setrlimit(2), timer_create(2), mq_overview(7).
 */
const untrustedLimits: readonly (readonly [resource: number, name: string, value: bigint])[] = [
  [RLIMIT_SIGPENDING, 'RLIMIT_SIGPENDING', 64n],
  [12, 'RLIMIT_MSGQUEUE', 0n],
  [RLIMIT_CORE, 'RLIMIT_CORE', NO_CORE],
];
/** The pid of this process for prlimit(2). */
const SELF = 0;

/** struct __user_cap_header_struct: _LINUX_CAPABILITY_VERSION_3, pid 0 (the main thread). */
function capabilityHeader(): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x20080522, 0);
  return header;
}

/** Replaces the inheritable set, which bounds the ambient capabilities. capget(2) returns two structures of effective, permitted, inheritable. */
function setInheritable(mask: bigint): bigint {
  const data = Buffer.alloc(24);
  check(libc.capget(capabilityHeader(), data), 'capget', '');
  const half = (offset: number): bigint => BigInt(data.readUInt32LE(offset)) | (BigInt(data.readUInt32LE(offset + 12)) << 32n);
  const set = mask & half(4); // permitted
  data.writeUInt32LE(Number(set & 0xffffffffn), 8);
  data.writeUInt32LE(Number(set >> 32n), 20);
  check(libc.capset(capabilityHeader(), data), 'capset', '');
  return set;
}

const control = (option: number, value: bigint, name: string, second = 0n): number =>
  check(libc.prctl(option, value, second, 0n, 0n), 'prctl', name);

function setNoRoot(on: boolean): void {
  const bits = BigInt(control(PR_GET_SECUREBITS, 0n, 'PR_GET_SECUREBITS'));
  control(PR_SET_SECUREBITS, on ? bits | SECBIT_NOROOT : bits & ~SECBIT_NOROOT, 'PR_SET_SECUREBITS');
}

/** A capability that cannot be read, and all later ones, do not exist in this kernel. */
function dropBoundingSet(): void {
  for (let number = 0n; number <= LAST_CAPABILITY; number++) {
    if (libc.prctl(PR_CAPBSET_READ, number, 0n, 0n, 0n) === -1) return;
    control(PR_CAPBSET_DROP, number, 'PR_CAPBSET_DROP');
  }
}

/** waitid(2) into a fresh siginfo_t; undefined when no child matches or none has ended. */
function waitid(kind: number, pid: number, options: number): { pid: number; code: number; status: number } | undefined {
  const info = Buffer.alloc(128); // sizeof(siginfo_t)
  if (libc.waitid(kind, pid, info, WEXITED | WNOHANG | options) === -1) return undefined; // ECHILD
  const child = { pid: info.readInt32LE(16), code: info.readInt32LE(8), status: info.readInt32LE(24) };
  return child.pid === 0 ? undefined : child;
}

/** prctl(2), waitid(2), kill(2), setsid(2), setrlimit(2), capset(2), personality(2), seccomp(2), pidfd_open(2), ioctl(2) of a pidfd. */
export const processCalls: ProcessCalls = {
  becomeSubreaper() {
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n), 'prctl', 'PR_SET_CHILD_SUBREAPER');
  },
  peekExited: () => waitid(P_ALL, 0, WNOWAIT)?.pid,
  reap(pid) {
    const child = waitid(P_PID, pid, 0);
    return child && (child.code === CLD_EXITED ? child.status : 128 + child.status);
  },
  kill(pid, signal) {
    check(libc.kill(pid, signal), 'kill', `of process ${pid}`);
  },
  setsid() {
    check(libc.setsid(), 'setsid', '');
  },
  limitResources(pid) {
    for (const [resource, name, value] of untrustedLimits)
      check(libc.prlimit(pid, resource, limitOf(value), null), 'prlimit', `${name} of process ${pid}`);
  },
  randomiseAddresses(on) {
    const now = libc.personality(NO_CHANGE);
    return now >= 0 && libc.personality(BigInt(on ? now & ~ADDR_NO_RANDOMIZE : now | ADDR_NO_RANDOMIZE)) >= 0;
  },
  withoutCoreDumps(act) {
    const before = Buffer.alloc(16);
    check(libc.prlimit(SELF, RLIMIT_CORE, null, before), 'prlimit', 'RLIMIT_CORE');
    const limit = limitOf(NO_CORE);
    before.copy(limit, 8, 8); // keeps the hard limit
    check(libc.setrlimit(RLIMIT_CORE, limit), 'setrlimit', 'RLIMIT_CORE');
    try {
      return act();
    } finally {
      check(libc.setrlimit(RLIMIT_CORE, before), 'setrlimit', 'RLIMIT_CORE');
    }
  },
  limitChildren(mask) {
    const set = setInheritable(mask);
    for (let number = 0n; number <= LAST_CAPABILITY; number++)
      if ((set >> number) & 1n) control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 'PR_CAP_AMBIENT_RAISE', number);
    setNoRoot(true);
  },
  unlimitChildren() {
    setNoRoot(false);
    control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 'PR_CAP_AMBIENT_CLEAR_ALL');
    setInheritable(0n);
  },
  dropCapabilitySets() {
    setInheritable(0n);
    dropBoundingSet();
  },
  forbidPrivileges() {
    control(PR_SET_NO_NEW_PRIVS, 1n, 'PR_SET_NO_NEW_PRIVS');
    control(PR_SET_DUMPABLE, 0n, 'PR_SET_DUMPABLE');
  },
  filterSystemCalls(program, scope) {
    const filter = Buffer.alloc(16); // struct sock_fprog: count, padding, pointer
    filter.writeUInt16LE(program.length / INSTRUCTION_BYTES, 0);
    filter.writeBigUInt64LE(address(program), 8);
    const flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (scope === 'all threads' ? SECCOMP_FILTER_FLAG_TSYNC : 0);
    const result = secure.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, flags, filter);
    check(result > 0 ? -1 : result, 'seccomp', 'SECCOMP_SET_MODE_FILTER'); // a positive number is the id of a thread with another filter
  },
  openPidfd: (pid) => check(raw.syscall(SYS_PIDFD_OPEN, pid, 0), 'pidfd_open', `of process ${pid}`),
  exitStatus(pidfd) {
    const info = Buffer.alloc(PIDFD_INFO_BYTES);
    info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
    // ENOTTY before Linux 6.13; ESRCH before 6.15, when the parent has waited for the process
    if (pidfds.ioctl(pidfd, BigInt(PIDFD_GET_INFO), info) === -1) return 'unknown';
    return (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n ? 'pending' : info.readInt32LE(EXIT_CODE_OFFSET);
  },
  allowCoreDumps() {
    setLimit(RLIMIT_CORE, 'RLIMIT_CORE', RLIM_INFINITY);
  },
  allowOpenFiles(count) {
    setLimit(RLIMIT_NOFILE, 'RLIMIT_NOFILE', BigInt(count));
  },
  allowProcesses() {
    setLimit(RLIMIT_NPROC, 'RLIMIT_NPROC', RLIM_INFINITY);
    setLimit(RLIMIT_SIGPENDING, 'RLIMIT_SIGPENDING', QUEUED_SIGNALS);
  },
};
