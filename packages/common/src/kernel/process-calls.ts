import { bind, check } from './ffi.ts';
import type { ProcessCalls } from './kernel.ts';

const libc = bind({
  prctl: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'],
  waitid: ['int32', 'uint32', 'pointer', 'int32'],
  kill: ['int32', 'int32'],
  setsid: [],
  setrlimit: ['int32', 'pointer'],
});

/** C libraries before glibc 2.36 have no function of that name. */
const raw = bind({ syscall: ['int64', 'int32', 'uint32'] });
const SYS_PIDFD_OPEN = 434n;

const PR_SET_CHILD_SUBREAPER = 36;
const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x1000000;
const CLD_EXITED = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const RLIM_INFINITY = 2n ** 64n - 1n;

function setLimit(resource: number, name: string, value: bigint): void {
  const limit = Buffer.alloc(16); // struct rlimit: soft, hard
  limit.writeBigUInt64LE(value, 0);
  limit.writeBigUInt64LE(value, 8);
  check(libc.setrlimit(resource, limit), 'setrlimit', name);
}

/** waitid(2) into a fresh siginfo_t; undefined when no child matches or none has ended. */
function waitid(kind: number, pid: number, options: number): { pid: number; code: number; status: number } | undefined {
  const info = Buffer.alloc(128); // sizeof(siginfo_t)
  if (libc.waitid(kind, pid, info, WEXITED | WNOHANG | options) === -1) return undefined; // ECHILD
  const child = { pid: info.readInt32LE(16), code: info.readInt32LE(8), status: info.readInt32LE(24) };
  return child.pid === 0 ? undefined : child;
}

/** prctl(2), waitid(2), kill(2), setsid(2), setrlimit(2), pidfd_open(2). */
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
  openPidfd: (pid) => check(raw.syscall(SYS_PIDFD_OPEN, pid, 0), 'pidfd_open', `of process ${pid}`),
  allowCoreDumps() {
    setLimit(RLIMIT_CORE, 'RLIMIT_CORE', RLIM_INFINITY);
  },
  allowOpenFiles(count) {
    setLimit(RLIMIT_NOFILE, 'RLIMIT_NOFILE', BigInt(count));
  },
};
