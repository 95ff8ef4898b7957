/** Streams over pollable fds on Bun. Bun's own streams allocate memory for each read, and change flags that other processes share. */
import { Duplex } from 'node:stream';
import type { DuplexOptions } from 'node:stream';
import { eventPoll } from './event-poll-bun.ts';
import { PollableDescriptor } from './pollable-descriptor-bun.ts';
import type { PollableOptions, PollableStream } from './pollable-options.ts';

/** For reads without a buffer of the caller, whose bytes are copied at once. */
const sharedBuffer = Buffer.allocUnsafeSlow(65536);
/** Pieces of a corked stream that are copied together, instead of a system call for each. */
const GATHERED_BYTES = 65536;
/** Limit of reads in one turn of the event loop, so that other streams are served. */
const READS_A_TURN = 16;

type Done = (error?: Error | null) => void;

class BunPollableStream extends Duplex implements PollableStream {
  readonly #descriptor: PollableDescriptor;
  readonly #onRead: ((piece: Buffer) => boolean) | undefined;
  readonly #nextBuffer: () => Buffer;
  readonly #isConnection: boolean;
  #isWanted = false;
  #isReading = false;
  #isAtEnd = false;

  constructor(descriptor: PollableDescriptor, { readBuffer, onRead, direction }: PollableOptions) {
    super({ readable: direction !== 'write', writable: direction !== 'read', allowHalfOpen: true } as DuplexOptions);
    this.#descriptor = descriptor;
    this.#onRead = readBuffer && onRead;
    this.#nextBuffer = typeof readBuffer === 'function' ? readBuffer : () => readBuffer ?? sharedBuffer;
    this.#isConnection = direction === undefined || direction === 'both';
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** With `onRead`, Duplex has no buffer and so does not request the next read. */
  override resume(): this {
    super.resume();
    if (this.#onRead) this._read();
    return this;
  }

  /** `resume` may call it after the end. The fd is closed then, or belongs to another stream. */
  override _read(): void {
    if (this.#isAtEnd || this.destroyed) return;
    this.#isWanted = true;
    if (!this.#isReading) this.#waitToRead();
  }

  override _write(bytes: Buffer, _encoding: string, done: Done): void {
    try {
      for (let rest = bytes; ;) {
        const count = this.#descriptor.write(rest);
        if (count === rest.length) return done();
        rest = rest.subarray(count ?? 0);
        if (count !== undefined) continue;
        return eventPoll().wait(this.#descriptor.fd, 'write', () => this._write(rest, _encoding, done));
      }
    } catch (error) {
      done(error as Error);
    }
  }

  override _writev(pieces: readonly { readonly chunk: Buffer }[], done: Done): void {
    const [first, ...rest] = gather(pieces.map(({ chunk }) => chunk));
    const next = (error?: Error | null): void => {
      const piece = error ? undefined : rest.shift();
      if (piece) this._write(piece, '', next);
      else done(error);
    };
    this._write(first ?? Buffer.alloc(0), '', next);
  }

  /** Half-close. A socket that was opened for one direction may be shared with other processes. */
  override _final(done: Done): void {
    try {
      if (this.#isConnection) this.#descriptor.endWrites();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: Done): void {
    for (const direction of ['read', 'write'] as const) eventPoll().cancel(this.#descriptor.fd, direction);
    this.#descriptor.close();
    done(error);
  }

  /** No effect: Bun cannot do this for an fd. The programs end by process.exit. */
  unref(): this {
    return this;
  }

  #waitToRead(): void {
    try {
      eventPoll().wait(this.#descriptor.fd, 'read', () => this.#readSome());
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #readSome(): void {
    this.#isReading = true;
    try {
      for (let turn = 0; turn < READS_A_TURN && this.#isWanted && !this.destroyed && this.#readPiece(); turn++);
    } catch (error) {
      this.destroy(error as Error);
    }
    this.#isReading = false;
    if (this.#isWanted && !this.destroyed) this.#waitToRead();
  }

  /** @returns false when another read would probably block */
  #readPiece(): boolean {
    const buffer = this.#nextBuffer();
    const count = this.#descriptor.read(buffer);
    if (count === undefined) return false;
    this.#isWanted = false;
    if (count === 0) {
      this.#isAtEnd = true;
      this.push(null);
    } else if (this.#onRead ? this.#onRead(buffer.subarray(0, count)) : this.push(Buffer.from(buffer.subarray(0, count))))
      this.#isWanted = true;
    return count === buffer.length;
  }
}

/** Joins small neighbours. */
function gather(pieces: readonly Buffer[]): Buffer[] {
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  return total <= GATHERED_BYTES ? [Buffer.concat(pieces, total)] : [...pieces];
}

export const openOnBun = (fd: number, options: PollableOptions): PollableStream =>
  new BunPollableStream(new PollableDescriptor(fd, options.direction ?? 'both'), options);
