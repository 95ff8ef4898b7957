/** The integers and strings that an HPACK header block consists of (RFC 7541, section 5). */
import { Http2Error } from './frames.ts';

export interface HpackString {
  /** A view of the block. */
  readonly bytes: Buffer;
  readonly isHuffman: boolean;
}

/** Reads a header block from its start to its end. Each method throws Http2Error for a block that is malformed. */
export class BlockReader {
  readonly #block: Buffer;
  #offset = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#offset >= this.#block.length;
  }

  /** The first byte of the next field, whose upper bits are the field's kind (section 6). */
  peek(): number {
    return this.#block[this.#offset] ?? 0;
  }

  #byte(): number {
    const byte = this.#block[this.#offset++];
    if (byte === undefined) throw new Http2Error('a header block ends too early');
    return byte;
  }

  /** An integer with a prefix of `prefixBits` bits (section 5.1). Three bytes behind the prefix are more than a header needs. */
  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Http2Error('a number in a header block is too large');
  }

  /** Section 5.2. */
  string(): HpackString {
    const isHuffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#offset, this.#offset + length);
    if (bytes.length < length) throw new Http2Error('a header block ends too early');
    this.#offset += length;
    return { bytes, isHuffman };
  }
}
