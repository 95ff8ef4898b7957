/**
 * Streams over files and devices that do not block. They do not close the fd, which is stdio. Bun's streams close it even with `autoClose:
 * false`.
 */
import { read, write } from 'node:fs';
import { Readable, Writable } from 'node:stream';

/** Reads into one buffer after each `resume`, until `onBytes` returns false. */
export class FileReader extends Readable {
  readonly #fd: number;
  readonly #buffer: Buffer;
  readonly #onBytes: (bytes: Buffer) => boolean;
  #isReading = false;

  constructor(fd: number, buffer: Buffer, onBytes: (bytes: Buffer) => boolean) {
    super();
    this.#fd = fd;
    this.#buffer = buffer;
    this.#onBytes = onBytes;
  }

  override resume(): this {
    super.resume();
    this._read();
    return this;
  }

  override _read(): void {
    if (this.#isReading || this.destroyed || this.readableEnded) return;
    this.#isReading = true;
    read(this.#fd, this.#buffer, 0, this.#buffer.length, null, (error, count) => {
      this.#isReading = false;
      if (this.destroyed) return;
      if (error) this.destroy(error);
      else if (count === 0) this.push(null);
      else if (this.#onBytes(this.#buffer.subarray(0, count))) this._read();
    });
  }
}

export class FileWriter extends Writable {
  readonly #fd: number;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  override _write(bytes: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error || count === bytes.length) done(error);
      else this._write(bytes.subarray(count), encoding, done);
    });
  }
}
