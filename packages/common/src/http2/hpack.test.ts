import assert from 'node:assert/strict';
import { HeaderDecoder, encodeHeaders } from './hpack.ts';
import { Http2Error } from './frames.ts';
import { codeLengths, decodeHuffman } from './huffman.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const decodeHeaders = (block: Buffer): Map<string, string> => new HeaderDecoder().decode(block);

describe('HPACK', () => {
  it('has a complete Huffman code: its lengths fill the tree', () => {
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
    ['a table size update at the start', '20 88', { ':status': '200' }],
    ['two table size updates', '20 3f e1 1f 88', { ':status': '200' }],
    ['a Huffman value', '0f 0d 86 a8eb10649cbf', { 'content-length': 'no-cache' }],
  ];
  for (const [name, hex, headers] of blocks) it(name, () => assert.deepEqual(Object.fromEntries(decodeHeaders(bytes(hex))), headers));

  interface Exchange {
    readonly name: string;
    readonly blocks: [hex: string, headers: Record<string, string>][];
  }
  const ok = { ':status': '200', 'content-type': 'application/grpc' };
  const exchanges: Exchange[] = [
    {
      // Two answers and two errors. The encoder of golang.org/x/net/http2/hpack indexes all that fits and takes Huffman where it is shorter.
      name: 'the answers of grpc-go',
      blocks: [
        ['88 5f 8b 1d75d0620d263d4c4d6564', ok],
        ['40 88 9acac8b21234da8f 01 30 40 89 9acac8b5254207317f 00', { 'grpc-status': '0', 'grpc-message': '' }],
        ['88 c0', ok],
        ['bf be', { 'grpc-status': '0', 'grpc-message': '' }],
        ['7f 00 01 32 7f 00 03 454f46', { 'grpc-status': '2', 'grpc-message': 'EOF' }],
        ['88 c2 bf be', { ...ok, 'grpc-status': '2', 'grpc-message': 'EOF' }],
      ],
    },
    {
      // RFC 7541, appendix C.5, with its table of 256 bytes: the second block evicts :status 302, the third one three more entries.
      name: 'responses that evict entries',
      blocks: [
        [
          '3f e1 01 48 03 333032 58 07 70726976617465 61 1d 4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
            '6e 17 68747470733a2f2f7777772e6578616d706c652e636f6d',
          {
            ':status': '302',
            'cache-control': 'private',
            date: 'Mon, 21 Oct 2013 20:13:21 GMT',
            location: 'https://www.example.com',
          },
        ],
        [
          '48 03 333037 c1 c0 bf',
          {
            ':status': '307',
            'cache-control': 'private',
            date: 'Mon, 21 Oct 2013 20:13:21 GMT',
            location: 'https://www.example.com',
          },
        ],
        [
          '88 c1 61 1d 4d6f6e2c203231204f637420323031332032303a31333a323220474d54 c0 5a 04 677a6970' +
            '77 38 666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
          {
            ':status': '200',
            'cache-control': 'private',
            date: 'Mon, 21 Oct 2013 20:13:22 GMT',
            location: 'https://www.example.com',
            'content-encoding': 'gzip',
            'set-cookie': 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
          },
        ],
      ],
    },
  ];
  for (const { name, blocks: sequence } of exchanges) {
    it(name, () => {
      const decoder = new HeaderDecoder();
      for (const [hex, headers] of sequence) assert.deepEqual(Object.fromEntries(decoder.decode(bytes(hex))), headers);
    });
  }

  it('reads its own output', () => {
    const headers = [
      [':path', '/grpc.AgentService/ReadStdout'],
      ['te', 'trailers'],
    ] as const;
    assert.deepEqual([...decodeHeaders(encodeHeaders(headers))], headers);
  });

  const hostile: [name: string, hex: string, reason: RegExp][] = [
    ['an index that the dynamic table does not have', 'be', /no header has index 62/],
    ['index 0', '80', /no header has index 0/],
    ['a table larger than 4096 bytes', '3f e2 1f', /table of 4097 bytes is too large/],
    ['a table size update after a header', '88 20', /after its start/],
    ['a block that ends in a name', '00 0b 6772', /ends too early/],
    ['a block that ends in a number', '00', /ends too early/],
    ['a number without end', '00 7f ffffffffffffffff', /too large/],
    ['Huffman with padding of zeros', '00 81 00 00', /not valid Huffman code/],
    ['Huffman with an end-of-string', '00 84 ffffffff 00', /not valid Huffman code/],
  ];
  for (const [name, hex, reason] of hostile) {
    it(`${name} is refused`, () =>
      assert.throws(
        () => decodeHeaders(bytes(hex)),
        (error: Error) => error instanceof Http2Error && reason.test(error.message),
      ));
  }

  it('decodes or refuses 20000 random blocks, without another error', () => {
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
