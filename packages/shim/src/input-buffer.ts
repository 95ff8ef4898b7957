import { PIECE_BYTES, DoubleBuffer } from './double-buffer.ts';

/** Free space that a piece needs for another read. */
const READ_BYTES = 65536;

/** Collects bytes for the next piece while the current piece is sent. */
export class InputBuffer {
  readonly #memory = new DoubleBuffer(PIECE_BYTES);
  #filling: Buffer | undefined;
  #length = 0;
  #ended = false;
  #wake: () => void = () => {};

  /** Adds the bytes of one read. @returns false when the piece is full: the caller must take the piece before it adds more */
  add(bytes: Buffer): boolean {
    if (this.#length + bytes.length > PIECE_BYTES) throw new RangeError('the piece is full');
    this.#filling ??= this.#memory.next();
    this.#length += bytes.copy(this.#filling, this.#length);
    this.#wake();
    return this.#length + READ_BYTES <= PIECE_BYTES;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next piece, valid until the following piece is requested; undefined at the end. */
  async take(): Promise<Buffer | undefined> {
    while (this.#length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    const piece = this.#filling?.subarray(0, this.#length);
    this.#filling = undefined;
    this.#length = 0;
    return piece;
  }
}
