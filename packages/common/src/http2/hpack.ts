/** Header blocks (RFC 7541): ours have literals only; the peer's refer to the tables and fill the dynamic one. */
import { BlockReader } from './block-reader.ts';
import { Http2Error } from './frames.ts';
import { HeaderTable } from './header-table.ts';
import type { Header } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length >= 127) throw new RangeError('a literal header has at most 126 bytes');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Literal, never indexed by the peer. Names and values of at most 126 bytes. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), encodeText(name), encodeText(value)]));
}

function readText(reader: BlockReader): string {
  const { bytes, isHuffman } = reader.string();
  const text = isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  if (text === undefined) throw new Http2Error('a header is not valid Huffman code');
  return text;
}

/** Decodes the header blocks of one connection. It must see each of them, in order: a block may refer to fields of earlier blocks. */
export class HeaderDecoder {
  readonly #table = new HeaderTable();

  /** @throws Http2Error for a block that is malformed; the connection cannot be used any more */
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
    const name = index === 0 ? readText(reader) : this.#table.at(index)[0];
    const value = readText(reader);
    headers.set(name, value);
    return [name, value];
  }
}
