/** Largest piece of a stream in one request: a request costs tens of milliseconds in an emulated guest, whatever its size. */
export const PIECE_BYTES = 1 << 20;

/**
 * Two buffers that are used in turn: one is filled while the other is being sent. They are reused, because the garbage of a fast stream
 * accumulates faster than it is collected. They are allocated in full: pages that were never written to cost nothing.
 */
export class DoubleBuffer {
  readonly #length: number;
  readonly #buffers: Buffer[] = [];
  #turn = 0;

  /** `length` is the largest size of a piece. */
  constructor(length: number) {
    this.#length = length;
  }

  /** The buffer for the next piece. It is reused for the piece after the next one. */
  next(): Buffer {
    this.#turn = 1 - this.#turn;
    return (this.#buffers[this.#turn] ??= Buffer.allocUnsafeSlow(this.#length));
  }
}
