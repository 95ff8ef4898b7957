/**
 * The shim's stdio as streams that do not block in libuv's thread pool: a blocked read would keep the process from exiting.
 * Pipes, sockets and terminals are polled; files and devices such as /dev/null do not block.
 */
import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import { FileReader, FileWriter } from './file-streams.ts';

/** Bytes of one read, and the size of enlarged pipes: larger pipes cause fewer context switches. */
const READ_BYTES = 65536;
const PIPE_BYTES = 1 << 20;

function isPollable(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket() || isatty(fd);
}

/** Root may make all of them large, other users a few of theirs (pipe(7), pipe-user-pages-soft). */
export function enlargePipes(fds: readonly number[], kernel: Pick<Kernel, 'setPipeSize'>): void {
  for (const fd of fds) {
    try {
      if (fstatSync(fd).isFIFO()) kernel.setPipeSize(fd, PIPE_BYTES);
    } catch {
      // A smaller pipe is slower, not wrong; a closed one is none.
    }
  }
}

export interface InputSink {
  /** Called with bytes that are valid only during the call. Returns false to pause until the next `resume`. */
  readonly onBytes: (bytes: Buffer) => boolean;
  /** The end of the file, or of the terminal. Called once. */
  readonly onEnd: () => void;
}

export interface Input {
  resume(): void;
  stop(): void;
}

function openReadable(fd: number, onBytes: InputSink['onBytes']): Readable {
  const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return isPollable(fd)
    ? openPollableStream(fd, { direction: 'read', readBuffer, onRead: onBytes })
    : new FileReader(fd, readBuffer, onBytes);
}

/** Reads after each `resume` until `onBytes` returns false. An fd that is closed is at its end. */
export function openInput(fd: number, { onBytes, onEnd }: InputSink): Input {
  let ended = false;
  const end = (): void => {
    if (!ended) onEnd();
    ended = true;
  };
  try {
    const stream = openReadable(fd, onBytes);
    for (const event of ['end', 'close', 'error']) stream.on(event, end); // an error: for example a terminal that is closed
    return { resume: () => void stream.resume(), stop: () => void stream.destroy() };
  } catch {
    end();
    return { resume() {}, stop() {} };
  }
}

/** undefined when the fd is closed. */
export function openOutput(fd: number): Writable | undefined {
  try {
    return isPollable(fd) ? openPollableStream(fd, { direction: 'write' }) : new FileWriter(fd);
  } catch {
    return undefined;
  }
}
