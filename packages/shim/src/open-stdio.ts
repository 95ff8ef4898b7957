/**
 * Opens the shim's stdio as streams that do not use a thread pool: a blocked read there would delay the exit of the process.
 * Pipes, sockets and terminals are polled. Files and devices such as /dev/null do not block.
 */
import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import { isTerminal } from '@kata-containers/common/process/is-terminal';
import { FileReader, FileWriter } from './file-streams.ts';

/** Bytes of one read, and the size of enlarged pipes: larger pipes cause fewer context switches. */
const READ_BYTES = 65536;
const PIPE_BYTES = 1 << 20;

function isPollable(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket() || (kind.isCharacterDevice() && isTerminal(fd));
}

/** Root may enlarge all pipes, another user only a limited number (pipe(7), pipe-user-pages-soft). */
export function enlargePipes(fds: readonly number[], kernel: Pick<Kernel, 'setPipeSize'>): void {
  for (const fd of fds) {
    try {
      if (fstatSync(fd).isFIFO()) kernel.setPipeSize(fd, PIPE_BYTES);
    } catch {
      // A pipe of the default size works, too, and a closed pipe needs no size.
    }
  }
}

export interface InputSink {
  /** Called with bytes that are valid only during the call. Returns false to pause until the next `resume`. */
  readonly onBytes: (bytes: Buffer) => boolean;
  /** Called once, at the end of the file or when the terminal is closed. */
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

/** Reads after each `resume` until `onBytes` returns false. For a closed fd, the end of file follows at once. */
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
