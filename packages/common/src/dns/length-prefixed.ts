/** Cuts a stream into units with a header that has their size. Holds one incomplete unit at most. */
export class LengthPrefixed {
  readonly #headerBytes: number;
  readonly #sizeOf: (header: Buffer) => number;
  #pieces: Buffer[] = [];
  #length = 0;
  #needed: number;

  /** `sizeOf` returns the bytes of a unit with its header; `push` passes its errors on. */
  constructor(headerBytes: number, sizeOf: (header: Buffer) => number) {
    this.#headerBytes = headerBytes;
    this.#sizeOf = sizeOf;
    this.#needed = headerBytes;
  }

  /** @returns copies of the units that `piece` completes. Small pieces are joined once, when their unit is complete */
  push(piece: Buffer): Buffer[] {
    this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
    if (this.#length < this.#needed) return [];
    const bytes = Buffer.concat(this.#pieces, this.#length);
    const units: Buffer[] = [];
    let offset = 0;
    for (;;) {
      const left = bytes.length - offset;
      this.#needed = left < this.#headerBytes ? this.#headerBytes : this.#sizeOf(bytes.subarray(offset));
      if (left < this.#needed) break;
      units.push(bytes.subarray(offset, offset + this.#needed));
      offset += this.#needed;
    }
    this.#pieces = [Buffer.from(bytes.subarray(offset))];
    this.#length = bytes.length - offset;
    return units;
  }
}
