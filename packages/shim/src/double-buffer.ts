/** Largest piece of a stream in one request: a request costs tens of milliseconds in an emulated guest, whatever its size. */
export const PIECE_BYTES = 1 << 20;

/**
 * Memory for two pieces in turn: while one is on its way the other one is filled. Taken once and used again, because the garbage of
 * a fast stream piles up faster than it is collected. Whole from the beginning: pages that were never written to cost nothing.
 */
export class DoubleBuffer {
  readonly #length: number;
  readonly #buffers: Buffer[] = [];
  #turn = 0;

  /** `length` is what a piece may need. */
  constructor(length: number) {
    this.#length = length;
  }

  /** Memory for a piece, which is free once the piece after the next one is asked for. */
  next(): Buffer {
    this.#turn = 1 - this.#turn;
    return (this.#buffers[this.#turn] ??= Buffer.allocUnsafeSlow(this.#length));
  }
}
