/** Largest piece in one request: a request costs tens of milliseconds in an emulated guest, whatever its size. */
const PIECE_BYTES = 1 << 20;
/** What a read may add to a piece that is nearly full. */
const READ_BYTES = 65536;

/**
 * Joins what was read while a piece was on its way to the next piece. Two pieces' memory is used in turn, because the garbage
 * of a fast stream piles up faster than it is collected; it grows with what comes, for most processes read little.
 */
export class GatheredInput {
  readonly #buffers: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn: 0 | 1 = 0;
  #length = 0;
  #ended = false;
  #wake: () => void = () => {};

  /** Takes bytes over. False when the piece is full: no more may be added until it was taken. */
  add(bytes: Buffer): boolean {
    bytes.copy(this.#room(this.#length + bytes.length), this.#length);
    this.#length += bytes.length;
    this.#wake();
    return this.#length + READ_BYTES <= PIECE_BYTES;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next piece, valid until the one after it is asked for; undefined at the end. */
  async take(): Promise<Buffer | undefined> {
    while (this.#length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#length === 0) return undefined;
    const piece = this.#buffers[this.#turn].subarray(0, this.#length);
    this.#turn = this.#turn === 0 ? 1 : 0;
    this.#length = 0;
    return piece;
  }

  /** The buffer being filled, made large enough for `length` bytes. */
  #room(length: number): Buffer {
    const buffer = this.#buffers[this.#turn];
    if (length <= buffer.length) return buffer;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, READ_BYTES, Math.min(2 * buffer.length, PIECE_BYTES)));
    buffer.copy(larger, 0, 0, this.#length);
    this.#buffers[this.#turn] = larger;
    return larger;
  }
}
