/**
 * Bytes that wait for their reader, copied out of the read buffer: otherwise a piece of one byte would keep a whole read buffer alive,
 * and a peer may send many of those.
 */
const CHUNK_BYTES = 4096;

export class ReceiveBuffer {
  readonly #full: Buffer[] = [];
  #tail: Buffer = Buffer.alloc(0);
  #tailLength = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    if (this.#tailLength + piece.length > this.#tail.length) {
      this.#closeTail();
      this.#tail = Buffer.allocUnsafeSlow(Math.max(piece.length, CHUNK_BYTES));
    }
    this.#tailLength += piece.copy(this.#tail, this.#tailLength);
    this.#length += piece.length;
  }

  /** Takes the oldest bytes, which belong to the caller then; undefined when there are none. */
  take(): Buffer | undefined {
    if (this.#full.length === 0) this.#closeTail();
    const chunk = this.#full.shift();
    this.#length -= chunk?.length ?? 0;
    return chunk;
  }

  clear(): void {
    this.#full.length = this.#length = this.#tailLength = 0;
    this.#tail = Buffer.alloc(0);
  }

  #closeTail(): void {
    if (this.#tailLength > 0) this.#full.push(this.#tail.subarray(0, this.#tailLength));
    this.#tail = this.#tail.subarray(this.#tailLength);
    this.#tailLength = 0;
  }
}
