/** Logs the guest's console, one record for each line. The length of lines and their rate are bounded. */
import { chmodSync, statSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { connectUnix } from '@kata-containers/common/kernel/unix-connection';
import type { Logger } from '@kata-containers/common/logging/logger';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';

/** Longer lines are cut, in characters. */
const MAX_LINE = 8192;
/** Lines and characters that are logged in one second; further lines are only counted. */
const MAX_LINES_A_SECOND = 1000;
const MAX_CHARACTERS_A_SECOND = 262_144;
const READ_BYTES = 16384;
/** Permission bits of other users. */
const OTHERS = 0o007;

/** Cuts text into lines of bounded length. */
export class ConsoleLines {
  #rest = '';

  /** Text after the last line feed. */
  end(): string[] {
    return this.push('\n');
  }

  push(text: string): string[] {
    const parts = (this.#rest + text).split('\n');
    const rest = parts.pop() ?? '';
    this.#rest = rest.length > MAX_LINE ? '' : rest;
    const lines = rest.length > MAX_LINE ? [...parts, rest] : parts;
    return lines.map((line) => line.slice(0, MAX_LINE).replaceAll(/[\r\0]/g, '')).filter((line) => line !== '');
  }
}

/** Allows `MAX_LINES_A_SECOND` lines, fewer when they are long, and counts the lines that it suppresses. */
export class LineBudget {
  readonly #now: () => number;
  #second = -1;
  #lines = 0;
  #characters = 0;
  #dropped = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a line of that length may be logged now. Calls `onDropped` with the number of suppressed lines when the next second begins. */
  admit(length: number, onDropped: (count: number) => void): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      if (this.#dropped > 0) onDropped(this.#dropped);
      this.#second = second;
      this.#lines = 0;
      this.#characters = 0;
      this.#dropped = 0;
    }
    this.#lines++;
    this.#characters += length;
    if (this.#lines <= MAX_LINES_A_SECOND && this.#characters <= MAX_CHARACTERS_A_SECOND) return true;
    this.#dropped++;
    return false;
  }
}

/** Lets only root read the console, independent of QEMU's umask. */
function closeToOthers(path: string): void {
  const { mode } = statSync(path);
  if (mode & OTHERS) chmodSync(path, mode & 0o770);
}

/** Reads until the console ends. Never pauses, so that the guest never waits for the log. */
export function readConsole(path: string, log: Logger): void {
  const lines = new ConsoleLines();
  const budget = new LineBudget(monotonicMs);
  const guest = log.child({ source: 'agent' });
  const logLines = (found: readonly string[]): void => {
    for (const line of found) {
      if (budget.admit(line.length, (count) => log.warn('the guest floods its console', { dropped: count }))) guest.info(line);
    }
  };
  const decoder = new TextDecoder();
  const onRead = (piece: Buffer): boolean => {
    logLines(lines.push(decoder.decode(piece, { stream: true })));
    return true;
  };
  const fail = (error: unknown): void => log.warn("the guest's console cannot be read", { reason: errorMessage(error) });
  let socket: PollableStream;
  try {
    closeToOthers(path);
    socket = connectUnix(path, { readBuffer: Buffer.allocUnsafeSlow(READ_BYTES), onRead });
  } catch (error) {
    return fail(error);
  }
  socket.on('error', fail);
  socket.on('end', () => {
    logLines(lines.end());
    log.info("the guest's console has ended");
  });
  socket.resume();
}
