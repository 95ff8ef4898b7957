/** Header blocks (RFC 7541): ours are literals; those of the peer refer to the tables, and fill the dynamic one. */
import { Http2Error } from './frames.ts';
import { HeaderTable } from './header-table.ts';
import type { Header } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length >= 127) throw new RangeError('a header of ours is short');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Literal, never indexed by the peer. Names and values of at most 126 bytes. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), encodeText(name), encodeText(value)]));
}

/** Reads integers and texts off a block. */
class BlockReader {
  readonly #block: Buffer;
  #offset = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#offset >= this.#block.length;
  }

  peek(): number {
    return this.#block[this.#offset] ?? 0;
  }

  #byte(): number {
    const byte = this.#block[this.#offset++];
    if (byte === undefined) throw new Http2Error('a header block ends too early');
    return byte;
  }

  /** Section 5.1. More than three bytes beyond the prefix are never needed. */
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

  text(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#offset, this.#offset + length);
    if (bytes.length < length) throw new Http2Error('a header block ends too early');
    this.#offset += length;
    const text = isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
    if (text === undefined) throw new Http2Error('a header is no Huffman code');
    return text;
  }
}

/** Decodes the header blocks of one connection. It must see each of them, in order: a block may refer to what earlier ones said. */
export class HeaderDecoder {
  readonly #table = new HeaderTable();

  /** @throws Http2Error for a block that is malformed; the connection cannot go on then */
  decode(block: Buffer): Map<string, string> {
    const headers = new Map<string, string>();
    const reader = new BlockReader(block);
    while (!reader.done) {
      const kind = reader.peek();
      if (kind >= 0x80) headers.set(...this.#table.at(reader.integer(7)));
      else if (kind >= 0x40) this.#table.add(this.#literal(headers, reader, 6));
      else if (kind < 0x20) this.#literal(headers, reader, 4);
      else if (headers.size === 0) this.#table.resize(reader.integer(5));
      else throw new Http2Error("a header block changes the table's size after its start"); // section 4.2
    }
    return headers;
  }

  #literal(headers: Map<string, string>, reader: BlockReader, prefixBits: number): Header {
    const index = reader.integer(prefixBits);
    const name = index === 0 ? reader.text() : this.#table.at(index)[0];
    const value = reader.text();
    headers.set(name, value);
    return [name, value];
  }
}
