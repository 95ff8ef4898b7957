/**
 * Confines a process that communicates with a guest: once its sockets and files are open, it drops all privileges, so that a guest that
 * compromises the process gains nothing else (ADR 14).
 */
import { mkdtempSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { errorMessage } from '../errors/error-message.ts';
import { KataError } from '../errors/kata-error.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { reExec } from '../process/re-exec.ts';
import { syscallRules } from './allowed-syscalls.ts';
import { forbidIoUring } from './forbid-io-uring.ts';
import { allowFilter } from './seccomp-filter-plan.ts';

/**
 * Each process runs as a user of its own, this number plus its pid, which owns no file and no other process. systemd leaves the numbers
 * from here on unused (UIDS-GIDS.md); a pid is below 2^22.
 */
const FIRST_USER = 0x7000_0000;

type ConfiningKernel = Pick<Kernel, 'chroot' | 'dropCapabilitySets' | 'forbidPrivileges' | 'filterSystemCalls'>;

/** Pid in the host's PID namespace, from /proc; `process.pid` may be the pid in another PID namespace. */
const hostPid = (): number => Number(readlinkSync('/proc/self'));

/** chroot(2) applies to all threads. No file can be created in a removed directory. */
function enterEmptyRoot(kernel: Pick<Kernel, 'chroot'>): void {
  const directory = mkdtempSync('/run/kata-empty-');
  process.chdir(directory);
  rmdirSync(directory);
  kernel.chroot('.'); // which is the working directory too
}

/**
 * setuid(2), setgid(2) and setgroups(2), which the C library applies to all threads. Leaving root clears the effective, permitted and
 * ambient capability sets.
 */
function becomeNobody(id: number): void {
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
}

export interface Confinement {
  /** Address families (address_families(7)) of sockets that the process creates later. */
  readonly sockets: readonly number[];
  /** The setting of configuration.toml that disables the confinement, for the error. */
  readonly setting: string;
}

/** @throws KataError when the host does not allow a part of the confinement: the process must end then */
export function confineProcess({ sockets, setting }: Confinement, kernel: ConfiningKernel): void {
  try {
    const user = FIRST_USER + hostPid();
    enterEmptyRoot(kernel);
    kernel.dropCapabilitySets();
    becomeNobody(user);
    kernel.forbidPrivileges();
    kernel.filterSystemCalls(allowFilter(syscallRules({ pid: process.pid, sockets })), 'all threads');
  } catch (error) {
    throw new KataError(`the process cannot be confined (${errorMessage(error)}); set ${setting} to run it unconfined`, { cause: error });
  }
}

/** Environment variable of kata-proxy and kata-shim: `off` disables their confinement. 1.x's programs ignore it. */
const CONFINE_VARIABLE = 'KATA_CONFINE';

/** Environment variables that enable or disable the confinement of a process. */
export const confinementEnvironment = (isWanted: boolean): NodeJS.ProcessEnv => (isWanted ? {} : { [CONFINE_VARIABLE]: 'off' });

function hasIoUring(): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false; // that of the directory
    }
  });
}

/**
 * Whether the process must confine itself. seccomp does not filter the operations of an io_uring, and the io_urings that the engine opens at its
 * start cannot be closed. When the caller did not forbid io_uring (1.x's runtime, for example), the program executes itself again.
 */
export function isConfined(environment: NodeJS.ProcessEnv, kernel: Pick<Kernel, 'filterSystemCalls'>): boolean {
  if (environment[CONFINE_VARIABLE] === 'off') return false;
  if (!hasIoUring()) return true;
  forbidIoUring(kernel);
  reExec(environment);
  return true;
}
