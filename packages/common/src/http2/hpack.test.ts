import assert from 'node:assert/strict';
import { decodeHeaders, encodeHeaders } from './hpack.ts';
import { Http2Error } from './frames.ts';
import { codeLengths, decodeHuffman } from './huffman.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('HPACK', () => {
  it('the Huffman code is complete: its lengths fill the tree', () => {
    assert.equal(codeLengths.length, 257);
    assert.equal(
      codeLengths.reduce((sum, length) => sum + 2 ** -length, 0),
      1,
    );
  });

  /** RFC 7541, appendix C. */
  const texts: [text: string, hex: string][] = [
    ['www.example.com', 'f1e3 c2e5 f23a 6ba0 ab90 f4ff'],
    ['no-cache', 'a8eb 1064 9cbf'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'],
    ['https://www.example.com', '9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3'],
  ];
  for (const [text, hex] of texts) it(`Huffman: ${text}`, () => assert.equal(decodeHuffman(bytes(hex)), text));

  const blocks: [name: string, hex: string, headers: Record<string, string>][] = [
    ['an indexed header', '88', { ':status': '200' }],
    ['a literal with an indexed name', '5f 10 6170706c69636174696f6e2f67727063', { 'content-type': 'application/grpc' }],
    ['a literal with a name of its own', '00 0b 677270632d737461747573 01 30', { 'grpc-status': '0' }],
    ['the size of the table, told at the start', '20 88', { ':status': '200' }],
    ['a Huffman value', '0f 0d 86 a8eb10649cbf', { 'content-length': 'no-cache' }],
  ];
  for (const [name, hex, headers] of blocks) it(name, () => assert.deepEqual(Object.fromEntries(decodeHeaders(bytes(hex))), headers));

  it('what we write is what we read', () => {
    const headers = [
      [':path', '/grpc.AgentService/ReadStdout'],
      ['te', 'trailers'],
    ] as const;
    assert.deepEqual([...decodeHeaders(encodeHeaders(headers))], headers);
  });

  const hostile: [name: string, hex: string, reason: RegExp][] = [
    ['an entry of the dynamic table', 'be', /table that we forbade/],
    ['index 0', '80', /table that we forbade/],
    ['a block that ends in a name', '00 0b 6772', /ends too early/],
    ['a block that ends in a number', '00', /ends too early/],
    ['a number without end', '00 7f ffffffffffffffff', /too large/],
    ['Huffman with padding of zeros', '00 81 00 00', /no Huffman code/],
    ['Huffman with an end-of-string', '00 84 ffffffff 00', /no Huffman code/],
  ];
  for (const [name, hex, reason] of hostile) {
    it(`${name} is refused`, () =>
      assert.throws(
        () => decodeHeaders(bytes(hex)),
        (error: Error) => error instanceof Http2Error && reason.test(error.message),
      ));
  }

  it('20000 random blocks are read or refused, nothing else', () => {
    for (let i = 0; i < 20_000; i++) {
      const block = Buffer.from(Array.from({ length: (i % 40) + 1 }, () => Math.floor(Math.random() * 256)));
      try {
        decodeHeaders(block);
      } catch (error) {
        assert.ok(error instanceof Http2Error, block.toString('hex'));
      }
    }
  });
});
