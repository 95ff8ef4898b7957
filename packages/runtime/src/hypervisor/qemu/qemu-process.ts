/** Starts QEMU and connects to its monitor. */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { HypervisorError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { connectUnix } from '@kata-containers/common/kernel/unix-connection';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { identifyProcess, isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { disabling } from '../../configuration/confinement-parts.ts';
import { QmpClient } from '../qmp/qmp-client.ts';
import { ONLY_OWN_FILES, withHint } from './qemu-hint.ts';
import { openVmFile, openVmSocket } from './vm-file.ts';
import { seccompViolation } from './seccomp-violation.ts';

const WORDS_BYTES = 4096;

function readEnd(file: string): string {
  const fd = openVmFile(file);
  try {
    const bytes = Buffer.alloc(WORDS_BYTES);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, WORDS_BYTES, Math.max(0, fstatSync(fd).size - WORDS_BYTES)));
  } finally {
    closeSync(fd);
  }
}

/** The last lines of QEMU's log, on one line, for an error text. */
export function lastLogLines(logFile: string): string {
  try {
    const lines = readEnd(logFile).split('\n');
    return lines
      .map((line) => line.replaceAll(/[^\x20-\x7e]/g, '').trim())
      .filter((line) => line !== '' && !/warning:/.test(line))
      .slice(-5)
      .join('; ');
  } catch {
    return '';
  }
}

const lastWords = ({ binary, logFile, hasOwnRoot }: QemuStart, signal: NodeJS.Signals | null): string =>
  signal === 'SIGSYS' ? seccompViolation(binary) : withHint(lastLogLines(logFile), hasOwnRoot);

/** For a program that the kernel does not execute, because of its user or its interpreter. */
function refusalHint({ user, hasOwnRoot }: QemuStart): string {
  if (user !== undefined) return disabling('user');
  return hasOwnRoot ? ONLY_OWN_FILES : '';
}

export interface StartedQemu {
  readonly identity: ProcessIdentity;
  /** Rejects when QEMU ends. */
  readonly failed: Promise<never>;
}

export interface QemuStart {
  readonly binary: string;
  readonly args: readonly string[];
  /** File for stdout and stderr. */
  readonly logFile: string;
  /** Fds that QEMU inherits, from 3 on. */
  readonly inherited: readonly number[];
  readonly environment: NodeJS.ProcessEnv;
  /** User and group id. Without it QEMU runs as root. */
  readonly user: number | undefined;
  /** QEMU has a root directory of its own. */
  readonly hasOwnRoot: boolean;
  /** Confines the main thread, whose restrictions QEMU inherits, and calls its argument, which starts QEMU. */
  readonly confine: (start: () => ChildProcess) => ChildProcess;
}

/**
 * Starts QEMU in the namespaces of the main thread, in a session of its own and without the runtime's stdio.
 * @throws HypervisorError when QEMU cannot be run
 */
export function startQemu(start: QemuStart): StartedQemu {
  const { binary, args, logFile, inherited, environment, user, confine } = start;
  const log = openSync(logFile, 'a', 0o600);
  try {
    const stdio: StdioOptions = ['ignore', log, log, ...inherited];
    const owner = user === undefined ? {} : { uid: user, gid: user };
    const child = confine(() => spawn(binary, args, { stdio, detached: true, env: environment, cwd: '/', ...owner }));
    const failed = new Promise<never>((_, reject) => {
      child.on('error', (error) => reject(new HypervisorError(`QEMU (${binary}) cannot be run`, '', { cause: error })));
      child.on('exit', (code, signal) =>
        reject(new HypervisorError(`QEMU (${binary}) ended at its start (${signal ?? `exit code ${code}`})`, lastWords(start, signal))),
      );
    });
    failed.catch(() => {});
    child.unref();
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (!identity) throw new HypervisorError(`QEMU (${binary}) cannot be run`, refusalHint(start));
    return { identity, failed };
  } finally {
    closeSync(log);
  }
}

/** Interval of connection attempts to the monitor while QEMU starts. */
const RETRY_MS = 5;

/** @returns undefined when QEMU does not listen yet. @throws Error */
function connect(path: string): PollableStream | undefined {
  try {
    const made = openVmSocket(path);
    try {
      return connectUnix(made.path);
    } finally {
      made.close();
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

/**
 * Connects to the monitor of a QEMU that may have just been started. `isExpected`: whether QEMU runs; if not, its socket is not waited for.
 * @throws TimeoutError, HypervisorError
 */
export async function openMonitor(socketPath: string, timeoutMs: number, isExpected = (): boolean => true): Promise<QmpClient> {
  const deadline = monotonicMs() + timeoutMs;
  for (;;) {
    const socket = connect(socketPath);
    if (socket) return QmpClient.open(socket, Math.max(1000, deadline - monotonicMs()));
    if (!isExpected()) throw new HypervisorError('QEMU has ended', '');
    if (monotonicMs() > deadline) throw new TimeoutError("QEMU's QMP socket", timeoutMs);
    await sleep(RETRY_MS);
  }
}

/**
 * Opens the monitor of a VM, for its end. @returns ends the VM. Succeeds if the VM has ended already; a VM that does not answer is killed by
 * the undo journal.
 */
export function prepareQuit(socketPath: string, identity: ProcessIdentity, timeoutMs: number): () => Promise<void> {
  const isExpected = (): boolean => isAlive(identity);
  const opening = isExpected() ? openMonitor(socketPath, timeoutMs, isExpected).catch(() => undefined) : undefined;
  return async () => {
    const monitor = await opening;
    await monitor?.execute('quit').catch(() => {}); // QEMU may end before it has answered
    monitor?.close();
  };
}
