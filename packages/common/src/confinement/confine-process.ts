/**
 * A process that talks to a guest gives up all that it does not need any more, once it holds its sockets and files: a guest that takes it
 * over finds nothing to go on to (ADR 14).
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
 * Each process has a user of its own, this number and its pid: nobody else's files, and no other process to signal. systemd leaves the
 * numbers from here on unused (UIDS-GIDS.md); a pid is below 2^22.
 */
const FIRST_USER = 0x7000_0000;

type ConfiningKernel = Pick<Kernel, 'chroot' | 'dropCapabilitySets' | 'forbidPrivileges' | 'filterSystemCalls'>;

/** In the host's PID namespace, whose /proc this is; `process.pid` may be that of a namespace of our own. */
const hostPid = (): number => Number(readlinkSync('/proc/self'));

/** chroot(2) holds for all threads. Nothing can be made in a directory that was removed. */
function enterEmptyRoot(kernel: Pick<Kernel, 'chroot'>): void {
  const directory = mkdtempSync('/run/kata-empty-');
  process.chdir(directory);
  rmdirSync(directory);
  kernel.chroot('.');
  process.chdir('/');
}

/** setuid(2) and its kind, by the C library for all threads: away from root it clears the effective, permitted and ambient sets. */
function becomeNobody(id: number): void {
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
}

export interface Confinement {
  /** Address families (address_families(7)) of sockets that the process still makes. */
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

/** Of kata-proxy and kata-shim: `off` leaves them as they were started. Those of 1.x do not look at it. */
const CONFINE_VARIABLE = 'KATA_CONFINE';

/** Environment of a process that is to confine itself, or not. */
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
 * Whether the process is to confine itself. What an io_uring does is not filtered by seccomp, and those that Node opens at its start cannot be
 * closed: a caller that does not forbid them, a runtime of 1.x for instance, has the program start once more.
 */
export function isConfined(environment: NodeJS.ProcessEnv, kernel: Pick<Kernel, 'filterSystemCalls'>): boolean {
  if (environment[CONFINE_VARIABLE] === 'off') return false;
  if (!hasIoUring()) return true;
  forbidIoUring(kernel);
  reExec(environment);
  return true;
}
