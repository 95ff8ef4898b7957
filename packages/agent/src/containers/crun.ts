/** Runs crun (crun(1)) and translates its error messages to runc's wording, which engines match. */
import { closeSync, constants, openSync, readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import type { Reaper, StartedProgram } from '../processes/reaper.ts';
import { step } from '../tracing/step.ts';

/** Most characters of crun's message that are sent to the host. */
const MAX_MESSAGE = 2048;

/**
 * Shorter than the host's timeout for an emulated guest (the runtime's CALL_TIMEOUT_MS × TCG_FACTOR), so that the host receives the error.
 */
const TIMEOUT_MS = 300_000;

/** A failure of crun with its last message. */
export class CrunError extends Error {}

/**
 * crun's wording → runc's, quoted exactly: dockerd matches it to choose between exit code 127 (no such command) and 126 (cannot be run).
 * `command` is the first argument of the process. Pure.
 */
export function runcErrorText(message: string, command: string): string {
  if (/executable file .* not found/.test(message)) return `exec: "${command}": executable file not found in $PATH`;
  const refused = /^(?:open executable|cannot open|the path|exec|execve|stat)\b.*: ([A-Z][a-z ]+)$/.exec(message)?.[1]?.toLowerCase();
  if (refused === undefined) return message;
  return `exec: "${command}": ${refused === 'operation not permitted' ? 'permission denied' : refused}`; // a directory, for example
}

/** crun --log-format=json writes one object a line. */
export function lastMessage(log: string): string {
  const messages = log.split('\n').flatMap((line) => {
    try {
      const { msg } = JSON.parse(line) as { msg?: unknown };
      return typeof msg === 'string' ? [msg] : [];
    } catch {
      return [];
    }
  });
  return (messages.at(-1) ?? '').slice(0, MAX_MESSAGE);
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Fds for crun, which the container's process inherits, or /dev/null. */
export type CrunStdio = readonly [number, number, number] | 'ignore';

interface RunOptions {
  readonly stdio?: CrunStdio;
  readonly command?: string;
}

export class Crun {
  readonly #reaper: Reaper;
  readonly #root: string;
  readonly #timeoutMs: number;
  #runs = 0;

  /** `root` is the directory of crun's own state. */
  constructor(reaper: Reaper, root: string, timeoutMs = TIMEOUT_MS) {
    this.#reaper = reaper;
    this.#root = root;
    this.#timeoutMs = timeoutMs;
  }

  /** `command` is the container's command, for the error text. @throws CrunError, TimeoutError */
  run(args: readonly string[], options: RunOptions = {}): Promise<void> {
    return step(`crun ${args[0] ?? ''}`, () => this.#run(args, options));
  }

  /**
   * Starts a created container as `crun start` does, without a program, which takes most of the time of a start in an emulated guest.
   * The container's first process waits until it can read a byte from exec.fifo (crun's status.c). Does not run poststart hooks.
   * @throws CrunError the container is not waiting
   */
  async start(id: string): Promise<void> {
    const fifo = join(this.#root, id, 'exec.fifo');
    let fd: number;
    try {
      fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return this.run(['start', id]); // for crun's error
    }
    try {
      unlinkSync(fifo); // crun: a container without exec.fifo is running
      writeSync(fd, Buffer.alloc(1));
    } finally {
      closeSync(fd);
    }
  }

  async #run(args: readonly string[], { stdio = 'ignore', command = '' }: RunOptions): Promise<void> {
    const log = `${this.#root}.${process.pid}.${this.#runs++}.log`;
    const [verb = ''] = args;
    try {
      const options = ['--root', this.#root, '--log', log, '--log-format', 'json', '--cgroup-manager', 'cgroupfs'];
      const code = await this.#endOf(this.#start([...options, ...args], stdio), verb);
      if (code === 0) return;
      const message = lastMessage(readLog(log));
      throw new CrunError(message === '' ? `crun ${verb} failed (exit code ${code})` : runcErrorText(message, command));
    } finally {
      rmSync(log, { force: true });
    }
  }

  #start(args: readonly string[], stdio: CrunStdio): StartedProgram {
    if (stdio !== 'ignore') return this.#reaper.run('crun', args, stdio);
    const nothing = openSync('/dev/null', 'r+');
    try {
      return this.#reaper.run('crun', args, [nothing, nothing, nothing]);
    } finally {
      closeSync(nothing);
    }
  }

  /** A program that does not end in time is killed and not waited for: it may be stuck in the kernel. @throws TimeoutError */
  #endOf({ exited, kill }: StartedProgram, verb: string): Promise<number> {
    return withTimeout(exited, this.#timeoutMs, () => {
      kill();
      return new TimeoutError(`crun ${verb}`, this.#timeoutMs);
    });
  }
}
