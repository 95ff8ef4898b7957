/** Largest piece of a stream in one request: a request costs tens of milliseconds in an emulated guest, whatever its size. */
export const PIECE_BYTES = 1 << 20;

/**
 * Two buffers that are used in turn: one is filled while the other is sent. The buffers are reused, because the garbage of a fast stream
 * accumulates faster than it is collected. The buffers have their full size from the start: unwritten pages take no memory.
 */
export class DoubleBuffer {
  readonly #length: number;
  readonly #buffers: Buffer[] = [];
  #turn = 0;

  /** `length` is the largest size of a piece. */
  constructor(length: number) {
    this.#length = length;
  }

  /** The buffer for the next piece. The buffer is reused for the second piece after this one. */
  next(): Buffer {
    this.#turn = 1 - this.#turn;
    return (this.#buffers[this.#turn] ??= Buffer.allocUnsafeSlow(this.#length));
  }
}
