/** Streams over pollable fds on Bun. Bun's own streams allocate memory for each read, and change flags that other processes share. */
import { Duplex } from 'node:stream';
import type { DuplexOptions } from 'node:stream';
import { PollableDescriptor } from './pollable-descriptor-bun.ts';
import type { PollableOptions, PollableStream } from './pollable-options.ts';
import { Readiness } from './readiness-bun.ts';

/** Size of a read when the caller passes no buffer. */
const READ_BYTES = 65536;
/** Limit of reads in one turn of the event loop, so that other streams are served. */
const READS_A_TURN = 16;

type Done = (error?: Error | null) => void;

class BunPollableStream extends Duplex implements PollableStream {
  readonly #descriptor: PollableDescriptor;
  readonly #onRead: ((piece: Buffer) => boolean) | undefined;
  #buffer: Buffer | undefined;
  #readable: Readiness | undefined;
  #writable: Readiness | undefined;
  #isWanted = false;
  #isReading = false;

  constructor(descriptor: PollableDescriptor, { readBuffer, onRead, direction }: PollableOptions) {
    super({ readable: direction !== 'write', writable: direction !== 'read', allowHalfOpen: true } as DuplexOptions);
    this.#descriptor = descriptor;
    this.#onRead = readBuffer && onRead;
    this.#buffer = readBuffer;
  }

  /** With `onRead`, Duplex has no buffer and so does not request the next read. */
  override resume(): this {
    super.resume();
    if (this.#onRead) this._read();
    return this;
  }

  override _read(): void {
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
        this.#writable ??= new Readiness(this.#descriptor.fd, 'write');
        return this.#writable.wait(() => this._write(rest, _encoding, done));
      }
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: Done): void {
    for (const readiness of [this.#readable, this.#writable]) readiness?.close();
    this.#descriptor.close();
    done(error);
  }

  /** No effect: Bun cannot do this for an fd. The programs end by process.exit. */
  unref(): this {
    return this;
  }

  #waitToRead(): void {
    try {
      this.#readable ??= new Readiness(this.#descriptor.fd, 'read');
      this.#readable.wait(() => this.#readSome());
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

  /** @returns false when a read would block */
  #readPiece(): boolean {
    const buffer = (this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES));
    const count = this.#descriptor.read(buffer);
    if (count === undefined) return false;
    this.#isWanted = false;
    if (count === 0) this.push(null);
    else if (this.#onRead ? this.#onRead(buffer.subarray(0, count)) : this.push(Buffer.from(buffer.subarray(0, count))))
      this.#isWanted = true;
    return count > 0;
  }
}

export const openOnBun = (fd: number, options: PollableOptions): PollableStream =>
  new BunPollableStream(new PollableDescriptor(fd, options.direction ?? 'both'), options);
