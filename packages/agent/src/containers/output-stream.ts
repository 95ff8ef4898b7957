/** One output stream of a process, read on demand. */
import type { Socket } from 'node:net';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** Quiet time after the end of a process that counts as the end of its output: two looks in a row that find nothing new. */
const LOOK_MS = 50;
const QUIET_LOOKS = 2;

/** A reading that can be given up: what comes later is for the next one. */
export interface Reading {
  readonly isGivenUp: () => boolean;
  readonly onGivenUp: (notify: () => void) => void;
}

export class OutputStream {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #ended = false;
  #lastReadAt = Number.NEGATIVE_INFINITY;

  constructor(fd: number) {
    this.#socket = openPollableStream(fd, { direction: 'read' });
    this.#socket.on('readable', () => this.#wake());
    // EIO of a pty whose slaves are closed is its end of file.
    for (const event of ['end', 'close', 'error']) this.#socket.on(event, () => this.#end());
  }

  /** Up to `length` bytes that are there, waiting for the first one; undefined at the end or when given up. */
  async read(length: number, reading?: Reading): Promise<Buffer | undefined> {
    reading?.onGivenUp(() => this.#wake());
    for (;;) {
      if (reading?.isGivenUp() === true) return undefined;
      this.#lastReadAt = performance.now();
      const available = Math.min(length, this.#socket.readableLength);
      const piece = available > 0 ? (this.#socket.read(available) as Buffer | null) : null;
      if (piece) return piece;
      if (this.#ended) return undefined;
      this.#socket.read(0);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The process has ended: the stream ends when it has been quiet, and was read empty. */
  endWhenQuiet(): void {
    let before = -1;
    let quietLooks = 0;
    const timer = setInterval(() => {
      const isQuiet = this.#socket.bytesRead === before && this.#socket.readableLength === 0;
      before = this.#socket.bytesRead;
      // A reader may have emptied our buffer just now, and the pipe behind it is full: one look does not tell.
      quietLooks = isQuiet ? quietLooks + 1 : 0;
      if (quietLooks < QUIET_LOOKS && !this.#ended) return;
      clearInterval(timer);
      this.#end();
    }, LOOK_MS);
  }

  /** Until everything was read, or nobody has asked for more for `awayMs`. */
  async readByAll(awayMs: number): Promise<void> {
    const isDone = (): boolean =>
      (this.#ended && this.#socket.readableLength === 0) ||
      (this.#waiting.size === 0 && performance.now() - this.#lastReadAt > awayMs) ||
      this.#socket.destroyed;
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}
