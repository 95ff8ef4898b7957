/**
 * One output stream of a process. Output is pulled: what the host does not read stays in the pipe, and the process waits. When
 * the process has ended, the stream ends too once the pipe has been quiet for a moment: a background child that keeps the pipe
 * open must not hang `docker exec`.
 */
import type { Socket } from 'node:net';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** After the end of a process, this much time without output counts as the end of its output. */
export const DRAIN_MS = 100;
/** Most bytes buffered for the host: in an emulated guest an answer costs tens of milliseconds, whatever its size. */
const MAX_HELD = 1 << 20;
/** One buffer serves all reads, because each is copied at once. Allocating one for each costs more than the read. */
const readBuffer = Buffer.allocUnsafeSlow(65536);

/** A reading that can be cancelled: later bytes belong to the next reading. */
export interface Reading {
  readonly isGivenUp: () => boolean;
  readonly onGivenUp: (notify: () => void) => void;
}

export class Output {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);
  #length = 0;
  /** Size of the last piece: the next one will have about the same. */
  #lastLength = 0;
  #ended = false;
  /** Bytes were read or taken since the last check of `endWhenQuiet`. */
  #isActive = false;
  #waiting: (() => void)[] = [];
  /** Waiters for the moment when everything was read. */
  #watching: (() => void)[] = [];
  #lastReadAt = Number.NEGATIVE_INFINITY;

  constructor(fd: number) {
    this.#socket = openPollableStream(fd, { direction: 'read', readBuffer, onRead: (bytes) => this.#add(bytes) });
    // EIO: all slaves of the pty are closed, which is its end of file
    for (const event of ['end', 'close', 'error']) this.#socket.on(event, () => this.#end());
    this.#socket.resume();
  }

  /** Up to `length` buffered bytes; waits for the first one. Undefined at the end or when cancelled. */
  async read(length: number, reading?: Reading): Promise<Buffer | undefined> {
    reading?.onGivenUp(() => this.#wake());
    while (this.#length === 0 && !this.#ended && reading?.isGivenUp() !== true)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#lastReadAt = performance.now();
    return this.#length > 0 && reading?.isGivenUp() !== true ? this.#take(length) : undefined;
  }

  /** The process has ended: the stream ends when it has been quiet, and was read empty. */
  endWhenQuiet(): void {
    const timer = setInterval(() => {
      // Timers run before the pipe is polled: in a guest that is short of CPU time this one may fire before the first poll.
      setImmediate(() => {
        const isQuiet = !this.#isActive && this.#length === 0;
        this.#isActive = false;
        if (!isQuiet && !this.#ended) return;
        clearInterval(timer);
        this.#end();
      });
    }, DRAIN_MS);
  }

  /** Waits until everything was read, or until no reader has called `read` for `awayMs`. */
  async readByAll(awayMs: number): Promise<void> {
    const isDone = (): boolean =>
      (this.#ended && this.#length === 0) || (this.#waiting.length === 0 && performance.now() - this.#lastReadAt >= awayMs);
    while (!isDone()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watching.push(resolve);
      const timer = setTimeout(resolve, awayMs);
      await promise;
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.destroy();
    this.#length = 0;
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of [...this.#waiting.splice(0), ...this.#watching.splice(0)]) resolve();
  }

  #add(bytes: Buffer): boolean {
    if (this.#ended) return true; // output of a background child after the end
    this.#isActive = true;
    this.#reserve(this.#length + bytes.length);
    bytes.copy(this.#held, this.#length);
    this.#length += bytes.length;
    this.#wake();
    return this.#length + readBuffer.length <= MAX_HELD;
  }

  #reserve(length: number): void {
    if (length <= this.#held.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#lastLength, Math.min(2 * this.#held.length, MAX_HELD)));
    this.#held.copy(larger, 0, 0, this.#length);
    this.#held = larger;
  }

  /** Gives the buffer itself away: the answer that carries it is written later. */
  #take(length: number): Buffer {
    const piece = this.#held.subarray(0, Math.min(length, this.#length));
    const rest = this.#held.subarray(piece.length, this.#length);
    this.#held = Buffer.from(rest);
    this.#lastLength = piece.length;
    this.#length = rest.length;
    this.#isActive = true;
    this.#socket.resume();
    if (this.#ended) this.#wake();
    return piece;
  }
}
