/**
 * Makes the `:authority` of a header block (HPACK, RFC 7541) one that nghttp2 accepts. The grpc-go of 1.x sends the address that it
 * dialled, `unix:////path`. An authority cannot contain '/', so an HTTP/2 server answers PROTOCOL_ERROR. '/' becomes '-', whose Huffman
 * code is as long (6 bits): no byte moves, and the peer's dynamic table stays in step with ours. Pure.
 */
import { BlockReader } from '@kata-containers/common/http2/block-reader';

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

/** Reads a field up to its value. @returns the index of a literal field's name; undefined for a field without a value (section 6) */
function literalName(reader: BlockReader): number | undefined {
  const kind = reader.peek();
  if (kind & 0x80) reader.integer(7);
  else if (kind & 0x40) return reader.integer(6);
  else if (kind & 0x20) reader.integer(5);
  else return reader.integer(4);
  return undefined;
}

/** Changes `block` in place. @returns whether it had an authority to change. @throws Http2Error for a block that is malformed */
export function rewriteAuthority(block: Buffer): boolean {
  const reader = new BlockReader(block);
  let changed = false;
  while (!reader.done) {
    const name = literalName(reader);
    if (name === undefined) continue;
    if (name === 0) reader.string();
    const { bytes, isHuffman } = reader.string();
    if (name === AUTHORITY_INDEX) changed = (isHuffman ? rewriteHuffman(bytes) : rewriteRaw(bytes)) || changed;
  }
  return changed;
}
