/**
 * One output stream of a process. The host reads the output: unread output stays in the pipe and blocks the process. When the process has
 * ended, the stream ends too once the pipe has been quiet for a moment: a background child that keeps the pipe open must not hang `docker
 * exec`.
 */
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** When the process has ended, its output ends after this time without new bytes. */
export const DRAIN_MS = 100;
/** Most bytes buffered for the host: in an emulated guest an answer costs tens of milliseconds, whatever its size. */
const MAX_HELD = 1 << 20;
/** All reads share one buffer, because the bytes are copied at once. Allocating a buffer for each read costs more than the read. */
const readBuffer = Buffer.allocUnsafeSlow(65536);

/** A read that can be cancelled: the next read gets the bytes. */
export interface Reading {
  readonly isGivenUp: () => boolean;
  readonly onGivenUp: (notify: () => void) => void;
}

export class Output {
  readonly #socket: PollableStream;
  #held = Buffer.alloc(0);
  #length = 0;
  /** Size of the last piece: the next piece probably has a similar size. */
  #lastLength = 0;
  #ended = false;
  #isReadToEnd = false;
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
    if (reading?.isGivenUp() === true) return undefined;
    if (this.#length > 0) return this.#take(length);
    this.#isReadToEnd = true;
    return undefined;
  }

  /** Whether `read` has returned the end. */
  get isReadToEnd(): boolean {
    return this.#isReadToEnd;
  }

  /** Called when the process has ended: the stream ends once no bytes have arrived for a moment and all bytes were read. */
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

  /** Returns the buffer itself, not a copy: the response that contains it is written later. */
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
