/**
 * Our own stdio as streams that never sit in libuv's thread pool: a read blocked there would keep the process from exiting.
 * Pipes, sockets and terminals are polled; files and devices such as /dev/null do not block.
 */
import { createReadStream, createWriteStream, fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

function isPollable(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket() || isatty(fd);
}

/** undefined when the descriptor is closed. */
export function openInput(fd: number): Readable | undefined {
  try {
    return isPollable(fd) ? openPollableStream(fd, { direction: 'read' }) : createReadStream('', { fd, autoClose: false });
  } catch {
    return undefined;
  }
}

/** undefined when the descriptor is closed. */
export function openOutput(fd: number): Writable | undefined {
  try {
    return isPollable(fd) ? openPollableStream(fd, { direction: 'write' }) : createWriteStream('', { fd, autoClose: false });
  } catch {
    return undefined;
  }
}
