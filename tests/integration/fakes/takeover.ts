/**
 * Loaded into kata-proxy and kata-shim (taken-over.ts) before their own code: plays injected code of a guest. On SIGUSR2 it
 * attempts what such code could attempt, and writes NAME=allowed or NAME=denied for each attempt to stderr. TAKEOVER names the targets.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readdirSync, rmdirSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import type { NetConnectOpts } from 'node:net';
import { address, bind, lastErrno } from '../../../packages/common/src/kernel/ffi.ts';

export interface Targets {
  /** File of the host that only root can read. */
  readonly canary: string;
  /** Listening unix socket, at a path and with an abstract name. */
  readonly socket: string;
  readonly abstract: string;
  /** Listening on 127.0.0.1. */
  readonly port: number;
  /** Directory of another sandbox. */
  readonly other: string;
  /** Pid of a process of root. */
  readonly victim: number;
}

const { canary, socket, abstract, port, other, victim } = JSON.parse(process.env['TAKEOVER'] ?? '{}') as Targets;

const libc = bind({ syscall: Array.from({ length: 7 }, () => 'int64' as const) }) as unknown as {
  syscall: (...values: bigint[]) => number;
};

const [EPERM, ENOSYS] = [1, 38];
const kept: Buffer[] = [];

function value(argument: number | string | Buffer): bigint {
  if (typeof argument === 'number') return BigInt(argument);
  const bytes = typeof argument === 'string' ? Buffer.from(`${argument}\0`) : argument;
  kept.push(bytes);
  return address(bytes);
}

/** Result of a system call, or its errno as a negative number. */
function call(number: number, ...values: (number | string | Buffer)[]): number {
  const all = [number, ...values, 0, 0, 0, 0, 0, 0].slice(0, 7).map(value);
  const result = libc.syscall(...all);
  return result === -1 ? -lastErrno() : result;
}

/** Like the logs that kata-proxy holds: a file of root, opened before the process is confined. */
const held = openSync(canary, 'r');
call(39); // getpid(2): the functions are looked up before the process is confined

const succeeds = (act: () => unknown): boolean => {
  try {
    act();
    return true;
  } catch {
    return false;
  }
};
/** Errors that do not mean a missing permission. */
const isPermitted = (result: number): boolean => result >= 0 || (result !== -EPERM && result !== -ENOSYS);

function connects(options: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const peer = connect(options);
    peer.once('connect', () => resolve(true)).once('error', () => resolve(false));
    peer.once('close', () => resolve(false));
    peer.once('connect', () => peer.destroy());
  });
}

const SIGCONT = 18;
const PTRACE_SEIZE = 0x4206;
const PTRACE_DETACH = 17;
const CLONE_NEWUTS = 0x4000000;
const CLONE_NEWUSER = 0x10000000;
const AF_ALG = 38;
const [F_SETLEASE, F_WRLCK, F_UNLCK] = [1024, 1, 2];
const [KEYCTL_DESCRIBE, USER_KEYRING] = [6, -4];
const SHM_RDONLY = 0o10000;
const S_IFBLK = 0o060000;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_SEQPACKET = 5;
const TIOCSTI = 0x5412;

function trace(): boolean {
  if (call(101, PTRACE_SEIZE, victim, 0, 0) !== 0) return false;
  call(101, PTRACE_DETACH, victim, 0, 0);
  return true;
}

function mountOn(directory: string): boolean {
  return call(165, 'none', directory, 'tmpfs', 0, 0) === 0 && call(166, directory, 2) === 0;
}

function leaveRoot(): boolean {
  const directory = `${other}/jail`;
  if (!succeeds(() => mkdirSync(directory))) return isPermitted(call(161, '.'));
  rmdirSync(directory);
  return isPermitted(call(161, '/'));
}

function makeDisk(): boolean {
  const path = `${other}/disk`;
  const made = call(133, path, S_IFBLK | 0o600, 0x700) === 0;
  call(87, path);
  return made;
}

function setHostName(): boolean {
  const name = readFileSync('/proc/sys/kernel/hostname', 'latin1').trim();
  return call(170, name, name.length) === 0;
}

/** Another process that opens the file waits until the lease ends. */
const leaseFile = (): boolean => call(72, held, F_SETLEASE, F_WRLCK) === 0 && call(72, held, F_SETLEASE, F_UNLCK) === 0;

/** struct perf_event_attr: the clock of the CPU as a software counter. */
function countEvents(): boolean {
  const attributes = Buffer.alloc(128);
  attributes.writeUInt32LE(1, 0);
  attributes.writeUInt32LE(attributes.length, 4);
  return call(298, attributes, victim, -1, -1, 0) >= 0;
}

/** struct file_handle of two words of data, guessed: a caller that may try gets ESTALE. */
function readByHandle(): boolean {
  const handle = Buffer.alloc(16);
  handle.writeUInt32LE(8, 0);
  handle.writeInt32LE(1, 4);
  return isPermitted(call(304, 0, handle, 0));
}

const attempts: Readonly<Record<string, () => boolean | Promise<boolean>>> = {
  read_host_file: () => succeeds(() => readFileSync(canary)),
  read_through_proc: () => succeeds(() => readFileSync(`/proc/${victim}/root${canary}`)),
  read_environment: () => succeeds(() => readFileSync(`/proc/${victim}/environ`)),
  read_by_handle: readByHandle,
  list_host_directory: () => succeeds(() => readdirSync('/etc')),
  write_to_other_sandbox: () => succeeds(() => writeFileSync(`${other}/written`, '')),
  make_device: makeDisk,
  connect_to_socket: () => connects({ path: socket }),
  connect_to_abstract_socket: () => connects({ path: abstract }),
  connect_to_host: () => connects({ port, host: '127.0.0.1' }),
  raw_socket: () => call(41, AF_PACKET, SOCK_RAW, 0) >= 0,
  signal: () => call(62, victim, SIGCONT) === 0,
  signal_thread: () => call(234, victim, victim, SIGCONT) === 0,
  ptrace: trace,
  read_memory: () => isPermitted(call(310, victim, Buffer.alloc(16), 1, Buffer.alloc(16), 1, 0)),
  pidfd: () => call(434, victim, 0) >= 0,
  limits_of_stranger: () => call(302, victim, 7, 0, Buffer.alloc(16)) === 0,
  start_program: () => spawnSync('true').status === 0,
  become_root: () => call(105, 0) === 0,
  unshare: () => call(272, CLONE_NEWUTS) === 0,
  mount: () => mountOn(other),
  load_module: () => isPermitted(call(175, 0, 0, '')),
  load_bpf: () => isPermitted(call(321, 0, Buffer.alloc(128), 128)),
  set_host_name: () => succeeds(() => readFileSync('/proc/sys/kernel/hostname')) && setHostName(),
  lease_file: leaseFile,
  count_events: countEvents,
  make_user_namespace: () => isPermitted(call(272, CLONE_NEWUSER)),
  open_userfaultfd: () => isPermitted(call(323, 0)),
  open_alg_socket: () => isPermitted(call(41, AF_ALG, SOCK_SEQPACKET, 0)),
  read_keyring: () => isPermitted(call(250, KEYCTL_DESCRIBE, USER_KEYRING, Buffer.alloc(256), 256)),
  attach_segment: () => isPermitted(call(30, 0, 0, SHM_RDONLY)),
  become_dumpable: () => call(157, 4, 1, 0, 0, 0) === 0,
  type_at_terminal: () => isPermitted(call(16, 0, TIOCSTI, 'x')),
  chroot: leaveRoot, // last: what is tried after it finds other paths
};

process.on('SIGUSR2', () => {
  void (async () => {
    let text = '';
    for (const [name, attempt] of Object.entries(attempts)) {
      let isAllowed = false;
      try {
        isAllowed = await attempt();
      } catch {
        // denied
      }
      text += `${name}=${isAllowed ? 'allowed' : 'denied'}\n`;
    }
    writeSync(2, `${text}done\n`);
  })();
});
