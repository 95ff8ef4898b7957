/**
 * Our own stdio as streams that never sit in libuv's thread pool: a read blocked there would keep the process from exiting.
 * Pipes, sockets and terminals are polled; files and devices such as /dev/null do not block.
 */
import { createReadStream, createWriteStream, fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** Bytes read at once, and what a pipe of ours is enlarged to: fewer switches between us and the one at its other end. */
const READ_BYTES = 65536;
const PIPE_BYTES = 1 << 20;

type PipeKernel = Pick<Kernel, 'setPipeSize'>;

function isPollable(fd: number, kernel: PipeKernel): boolean {
  const kind = fstatSync(fd);
  if (kind.isFIFO()) enlarge(fd, kernel);
  return kind.isFIFO() || kind.isSocket() || isatty(fd);
}

function enlarge(fd: number, kernel: PipeKernel): void {
  try {
    kernel.setPipeSize(fd, PIPE_BYTES);
  } catch {
    // A smaller pipe is slower, not wrong.
  }
}

export interface InputSink {
  /** Bytes that were read, valid only during the call. Returns false to get no more until `resume`. */
  readonly onBytes: (bytes: Buffer) => boolean;
  /** The end of the file, or of the terminal. Called once. */
  readonly onEnd: () => void;
}

export interface Input {
  resume(): void;
  stop(): void;
}

function openReadable(fd: number, onBytes: InputSink['onBytes'], kernel: PipeKernel): Readable {
  if (isPollable(fd, kernel)) {
    return openPollableStream(fd, { direction: 'read', readBuffer: Buffer.allocUnsafeSlow(READ_BYTES), onRead: onBytes });
  }
  const file = createReadStream('', { fd, autoClose: false, highWaterMark: READ_BYTES });
  file.on('data', (bytes: Buffer | string) => {
    if (!onBytes(bytes as Buffer)) file.pause();
  });
  return file;
}

/** Reads until `onBytes` returns false. An fd that is closed is at its end. */
export function openInput(fd: number, { onBytes, onEnd }: InputSink, kernel: PipeKernel): Input {
  let ended = false;
  const end = (): void => {
    if (!ended) onEnd();
    ended = true;
  };
  try {
    const stream = openReadable(fd, onBytes, kernel);
    for (const event of ['end', 'close', 'error']) stream.on(event, end); // an error: for example a terminal that is closed
    stream.resume();
    return { resume: () => void stream.resume(), stop: () => void stream.destroy() };
  } catch {
    end();
    return { resume() {}, stop() {} };
  }
}

/** undefined when the fd is closed. */
export function openOutput(fd: number, kernel: PipeKernel): Writable | undefined {
  try {
    return isPollable(fd, kernel) ? openPollableStream(fd, { direction: 'write' }) : createWriteStream('', { fd, autoClose: false });
  } catch {
    return undefined;
  }
}
