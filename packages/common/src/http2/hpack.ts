/**
 * Header blocks (RFC 7541) for a peer that was told to keep no dynamic table: names and values stand in the block itself, or in
 * the static table.
 */
import { Http2Error } from './frames.ts';
import { decodeHuffman } from './huffman.ts';

export type Header = readonly [name: string, value: string];

/** Appendix A. Entries with a value first, then names alone; index 1 is the first. */
const staticTable: readonly Header[] = [
  ...[':authority', ':method GET', ':method POST', ':path /', ':path /index.html', ':scheme http', ':scheme https'],
  ...[200, 204, 206, 304, 400, 404, 500].map((status) => `:status ${status}`),
  ...['accept-charset', 'accept-encoding gzip, deflate', 'accept-language', 'accept-ranges', 'accept'],
  ...['access-control-allow-origin', 'age', 'allow', 'authorization', 'cache-control', 'content-disposition', 'content-encoding'],
  ...['content-language', 'content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag', 'expect'],
  ...['expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified'],
  ...['link', 'location', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'range', 'referer', 'refresh', 'retry-after'],
  ...['server', 'set-cookie', 'strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
].map((entry): Header => {
  const [name = '', value = ''] = entry.split(/ (.*)/);
  return [name, value];
});

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

function lookUp(index: number): Header {
  const header = staticTable[index - 1];
  if (!header) throw new Http2Error(`header ${index} is in a table that we forbade`);
  return header;
}

/** @throws Http2Error for a block that is malformed, or refers to a dynamic table */
export function decodeHeaders(block: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  const reader = new BlockReader(block);
  while (!reader.done) {
    const kind = reader.peek();
    if (kind >= 0x80) headers.set(...lookUp(reader.integer(7)));
    else if (kind >= 0x40) addLiteral(headers, reader, 6);
    else if (kind >= 0x20)
      reader.integer(5); // the table's size: ours is zero
    else addLiteral(headers, reader, 4);
  }
  return headers;
}

function addLiteral(headers: Map<string, string>, reader: BlockReader, prefixBits: number): void {
  const index = reader.integer(prefixBits);
  const name = index === 0 ? reader.text() : lookUp(index)[0];
  headers.set(name, reader.text());
}
