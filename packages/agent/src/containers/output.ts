/**
 * One output stream of a process. Output is pulled: what the host does not read stays in the pipe, and the process waits. When
 * the process has ended, the stream ends too once nothing more has come for a moment: a background child that keeps the pipe
 * open must not hang `docker exec`.
 */
import type { Socket } from 'node:net';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** Quiet time after the end of a process that counts as the end of its output. */
export const DRAIN_MS = 100;
/** Most bytes held for the host: in an emulated guest an answer costs tens of milliseconds, whatever its size. */
const MAX_HELD = 1 << 20;
/** One buffer serves all reads, because each is copied on at once. A fresh one for each costs more than the read. */
const readBuffer = Buffer.allocUnsafeSlow(65536);

/** A reading that can be given up: what comes later is for the next one. */
export interface Reading {
  readonly isGivenUp: () => boolean;
  readonly onGivenUp: (notify: () => void) => void;
}

export class Output {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);
  #length = 0;
  /** What the last piece took: the next one will take about as much. */
  #lastLength = 0;
  #ended = false;
  /** Something was read or taken since the last look of `endWhenQuiet`. */
  #isActive = false;
  #waiting: (() => void)[] = [];
  /** Those who wait for all to be read. */
  #watching: (() => void)[] = [];
  #lastReadAt = Number.NEGATIVE_INFINITY;

  constructor(fd: number) {
    this.#socket = openPollableStream(fd, { direction: 'read', readBuffer, onRead: (bytes) => this.#add(bytes) });
    // EIO of a pty whose slaves are closed is its end of file
    for (const event of ['end', 'close', 'error']) this.#socket.on(event, () => this.#end());
    this.#socket.resume();
  }

  /** Up to `length` bytes that are there, waiting for the first one; undefined at the end or when given up. */
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
      // Timers run before the pipe is polled: in a guest that is short of processor time this one may be due before the first look.
      setImmediate(() => {
        const isQuiet = !this.#isActive && this.#length === 0;
        this.#isActive = false;
        if (!isQuiet && !this.#ended) return;
        clearInterval(timer);
        this.#end();
      });
    }, DRAIN_MS);
  }

  /** Until everything was read, or no reader has asked for more for `awayMs`. */
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
    if (this.#ended) return true; // what a forgotten child says after the end
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

  /** Gives the memory away with what is in it: the answer that carries it is written later. */
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
