/**
 * Makes the `:authority` of a header block (HPACK, RFC 7541) one that nghttp2 takes. grpc-go of Kata's time sends the address
 * it dialled, `unix:////path`; '/' is no character of an authority, and Node's http2 answers PROTOCOL_ERROR. '/' becomes '-',
 * whose Huffman code is as long (6 bits): nothing moves, and the peer's dynamic table stays in step with ours. Pure.
 */
const SLASH = 0x2f;
const DASH = 0x2d;
/** Huffman codes of the two (RFC 7541, appendix B). */
const SLASH_CODE = 0b011000;
const DASH_CODE = 0b010110;
const CODE_BITS = 6;
/** `:authority` in the static table (appendix A). */
const AUTHORITY_INDEX = 1;

/**
 * Code lengths by the first 14 bits of what follows, in the order of the canonical code: everything below `limit` is `bits`
 * long. Longer codes are characters that no address has.
 */
const codeLengths: readonly { readonly limit: number; readonly bits: number }[] = [
  { limit: 0x0a << 9, bits: 5 },
  { limit: 0x2e << 8, bits: 6 },
  { limit: 0x7c << 7, bits: 7 },
  { limit: 0xfe << 6, bits: 8 },
  { limit: 0x3fd << 4, bits: 10 },
  { limit: 0x7fd << 3, bits: 11 },
  { limit: 0xffc << 2, bits: 12 },
  { limit: 0x1ffe << 1, bits: 13 },
];

/** A walk over a header block. Reading past the end gives zeros: nghttp2 will refuse such a block. */
class BlockReader {
  readonly bytes: Buffer;
  offset = 0;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** An integer with an N-bit prefix (section 5.1). */
  integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = (this.bytes[this.offset++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.bytes[this.offset++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
    }
    return value;
  }

  /** A string (section 5.2): where it is, and how it is coded. */
  string(): { text: Buffer; huffman: boolean } {
    const huffman = ((this.bytes[this.offset] ?? 0) & 0x80) !== 0;
    const length = this.integer(7);
    const text = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return { text, huffman };
  }
}

const bitAt = (bytes: Buffer, position: number): number => (((bytes[position >> 3] ?? 0xff) >> (7 - (position & 7))) & 1) as number;

function bitsAt(bytes: Buffer, position: number, count: number): number {
  let bits = 0;
  for (let index = 0; index < count; index++) bits = (bits << 1) | bitAt(bytes, position + index);
  return bits;
}

function writeDashCode(bytes: Buffer, position: number): void {
  for (let index = 0; index < CODE_BITS; index++) {
    const at = position + index;
    const mask = 0x80 >> (at & 7);
    const isOne = ((DASH_CODE >> (CODE_BITS - 1 - index)) & 1) === 1;
    bytes[at >> 3] = isOne ? (bytes[at >> 3] ?? 0) | mask : (bytes[at >> 3] ?? 0) & ~mask;
  }
}

function rewriteHuffman(text: Buffer): boolean {
  let changed = false;
  for (let position = 0; position + 5 <= text.length * 8;) {
    const ahead = bitsAt(text, position, 14);
    const bits = codeLengths.find(({ limit }) => ahead < limit)?.bits;
    if (bits === undefined) break; // the padding at the end, too
    if (bits === CODE_BITS && ahead >> 8 === SLASH_CODE && position + CODE_BITS <= text.length * 8) {
      writeDashCode(text, position);
      changed = true;
    }
    position += bits;
  }
  return changed;
}

function rewriteRaw(text: Buffer): boolean {
  let changed = false;
  for (let at = text.indexOf(SLASH); at >= 0; at = text.indexOf(SLASH, at + 1)) {
    text[at] = DASH;
    changed = true;
  }
  return changed;
}

/** Index of the name of a literal field (section 6.2), or undefined for what has no value: indexed fields and table sizes. */
function literalName(reader: BlockReader): number | undefined {
  const first = reader.bytes[reader.offset] ?? 0;
  if (first & 0x80) reader.integer(7);
  else if (first & 0x40) return reader.integer(6);
  else if (first & 0x20) reader.integer(5);
  else return reader.integer(4);
  return undefined;
}

/** Changes `block` in place. Gives whether there was anything to change. */
export function rewriteAuthority(block: Buffer): boolean {
  const reader = new BlockReader(block);
  let changed = false;
  while (reader.offset < block.length) {
    const name = literalName(reader);
    if (name === undefined) continue;
    if (name === 0) reader.string();
    const { text, huffman } = reader.string();
    if (name === AUTHORITY_INDEX) changed = (huffman ? rewriteHuffman(text) : rewriteRaw(text)) || changed;
  }
  return changed;
}
