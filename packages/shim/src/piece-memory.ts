/** Steps in which memory grows. */
const STEP = 65536;

/**
 * Memory for two pieces in turn: while one is on its way out the other one is filled. Taken once and used again, because the
 * garbage of a fast stream piles up faster than it is collected. Grows with what comes: most processes say little.
 */
export class PieceMemory {
  readonly #buffers = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn = 0;

  /** Memory that is free once the piece after the next one is asked for. */
  next(length: number): Buffer {
    this.#turn = 1 - this.#turn;
    const buffer = this.#buffers[this.#turn];
    if (buffer && buffer.length >= length) return buffer.subarray(0, length);
    const larger = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    this.#buffers[this.#turn] = larger;
    return larger.subarray(0, length);
  }
}
