import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import { Duplex } from 'node:stream';
import { FLAG, FRAME, encodeFrame, readFrame } from '@kata-containers/common/http2/frames';
import { AuthorityFix, fixAuthority } from './authority-fix.ts';
import { rewriteAuthority } from './rewrite-authority.ts';

/** Huffman codes of the characters in the tests (RFC 7541, appendix B). */
const codes: Readonly<Record<string, string>> = {
  u: '101101',
  n: '101010',
  i: '00110',
  x: '1111001',
  ':': '1011100',
  '/': '011000',
  '-': '010110',
  r: '101100',
  _: '100010',
  '@': '1111111111010',
  '~': '1111111111101',
};
function encodeHuffman(text: string): Buffer {
  const bits = [...text].map((character) => codes[character] ?? assert.fail(character)).join('');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from((padded.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

const raw = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const coded = (text: string): Buffer => {
  const bytes = encodeHuffman(text);
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
};
const indexed = (index: number): Buffer => Buffer.from([0x80 | index]);
const literal = (index: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([0x40 | index]), value]);
const named = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0x40]), raw(name), raw(value)]);

describe('rewriteAuthority', () => {
  const method = indexed(3);
  const path = literal(4, raw('/grpc.Health/Check'));
  const cases: [name: string, before: Buffer[], after: Buffer[]][] = [
    ['raw', [method, literal(1, raw('unix:////r')), path], [method, literal(1, raw('unix:----r')), path]],
    ['Huffman', [method, literal(1, coded('unix:////r')), path], [method, literal(1, coded('unix:----r')), path]],
    ['after characters with long codes', [literal(1, coded('@~/_/'))], [literal(1, coded('@~-_-'))]],
    ['never indexed', [Buffer.from([0x11]), raw('a/b')], [Buffer.from([0x11]), raw('a-b')]],
    ['behind a new name', [named('te/x', 'a/b'), literal(1, raw('a/b'))], [named('te/x', 'a/b'), literal(1, raw('a-b'))]],
    [
      'behind a table size',
      [Buffer.from([0x3f, 0xe1, 0x1f]), literal(1, raw('/'))],
      [Buffer.from([0x3f, 0xe1, 0x1f]), literal(1, raw('-'))],
    ],
  ];
  for (const [name, before, after] of cases) {
    it(name, () => {
      const block = Buffer.concat(before);
      assert.equal(rewriteAuthority(block), true);
      assert.deepEqual(block, Buffer.concat(after));
    });
  }
  for (const [name, block] of [
    ['a good authority', Buffer.concat([method, literal(1, coded('unix:r')), path])],
    ['one that is in the dynamic table', Buffer.concat([method, indexed(62), path])],
    ['nothing', Buffer.alloc(0)],
  ] as const) {
    it(`does not change ${name}`, () => {
      const copy = Buffer.from(block);
      assert.equal(rewriteAuthority(copy), false);
      assert.deepEqual(copy, block);
    });
  }
});

const { headers: HEADERS, rstStream: RST_STREAM, settings: SETTINGS, continuation: CONTINUATION } = FRAME;
const { endStream: END_STREAM, endHeaders: END_HEADERS, padded: PADDED, priority: PRIORITY } = FLAG;
const frame = (type: number, flags: number, streamId: number, payload: Buffer): Buffer => encodeFrame({ type, flags, streamId }, payload);

const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0, Buffer.alloc(0))]);
const request = Buffer.concat([indexed(2), indexed(6), indexed(4), literal(1, coded('unix:////r'))]);
const again = Buffer.concat([indexed(2), indexed(6), indexed(4), indexed(62)]);
const whole = END_STREAM | END_HEADERS;

/** Ways to send the same two requests. */
const dialects: [name: string, bytes: Buffer[]][] = [
  ['one frame', [frame(HEADERS, whole, 1, request), frame(HEADERS, whole, 3, again)]],
  [
    'cut in the middle of the authority',
    [
      frame(HEADERS, END_STREAM, 1, request.subarray(0, 8)),
      frame(CONTINUATION, 0, 1, request.subarray(8, 10)),
      frame(CONTINUATION, END_HEADERS, 1, request.subarray(10)),
      frame(HEADERS, whole, 3, again),
    ],
  ],
  [
    'padded, with a priority',
    [
      frame(HEADERS, whole | PADDED | PRIORITY, 1, Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 15]), request, Buffer.alloc(3)])),
      frame(HEADERS, whole, 3, again),
    ],
  ],
  ['sent in full again', [frame(HEADERS, whole, 1, request), frame(HEADERS, whole, 3, request)]],
];

describe('AuthorityFix', () => {
  const pieces = (bytes: Buffer, size: number): Buffer[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => Buffer.from(bytes.subarray(index * size, (index + 1) * size)));

  /** Types of the frames in `bytes`. */
  function frameTypes(bytes: Buffer): number[] {
    const types: number[] = [];
    for (let next = readFrame(bytes, 0); next; next = readFrame(bytes, next.end)) types.push(next.header.type);
    return types;
  }

  /** The authorities that Node's http2 server sees in the bytes, or `refused` when it resets the stream. */
  async function serve(chunks: Buffer[], requests: number, fixed: boolean): Promise<string[]> {
    const seen: string[] = [];
    const server = createServer((incoming, response) => {
      seen.push(incoming.authority);
      response.end();
    });
    let answer = Buffer.alloc(0);
    const answered = new Promise<void>((resolve) => {
      const take = (data: Buffer): void => {
        answer = Buffer.concat([answer, data]);
        const refused = frameTypes(answer).includes(RST_STREAM);
        if (refused) seen.push('refused');
        if (refused || seen.length === requests) resolve();
      };
      const stream = new Duplex({
        read() {},
        write(data: Buffer, _encoding, done) {
          take(data);
          done();
        },
      });
      if (fixed) fixAuthority(stream);
      server.emit('connection', stream);
      stream.on('error', () => {});
      for (const chunk of chunks) stream.push(chunk);
    });
    await answered;
    return seen;
  }

  for (const [name, frames] of dialects) {
    for (const size of [1, 7, 1024]) {
      it(`${name}, in chunks of ${size}`, async () => {
        const chunks = pieces(Buffer.concat([preface, ...frames]), size);
        assert.deepEqual(await serve(chunks, 2, true), ['unix:----r', 'unix:----r']);
      });
    }
  }

  it('is necessary: Node refuses such a client', async () => {
    assert.deepEqual(await serve([Buffer.concat([preface, frame(HEADERS, whole, 1, request)])], 1, false), ['refused']);
  });

  it('passes other frames unchanged and without delay', () => {
    const fix = new AuthorityFix();
    const data = frame(0, 0, 1, Buffer.from('unix:////r'));
    const stream = Buffer.concat([preface, frame(HEADERS, END_HEADERS, 1, request), data, data.subarray(0, 12)]);
    const passed = fix.feed(Buffer.from(stream));
    assert.equal(passed.length, stream.length);
    assert.deepEqual(passed.subarray(-data.length - 12), stream.subarray(-data.length - 12));
  });

  it('stops parsing the connection after a valid authority', () => {
    const fix = new AuthorityFix();
    const good = frame(HEADERS, whole, 1, Buffer.concat([indexed(2), literal(1, raw('localhost'))]));
    fix.feed(Buffer.concat([preface, good]));
    const later = Buffer.from([0, 0]);
    assert.equal(fix.feed(later), later);
  });

  for (const [name, block] of [
    ['a length beyond the end', Buffer.from([0x41, 0x7f, 0x20])],
    ['a number without an end', Buffer.from([0x41, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ] as const) {
    it(`a header block with ${name} passes unchanged, with all following bytes`, () => {
      const fix = new AuthorityFix();
      const bytes = Buffer.concat([preface, frame(HEADERS, whole, 1, block), frame(HEADERS, whole, 3, request)]);
      assert.deepEqual(fix.feed(Buffer.from(bytes)), bytes);
      assert.deepEqual(fix.feed(Buffer.from([0])), Buffer.from([0]));
    });
  }

  it('buffers an endless header block up to a limit', () => {
    const fix = new AuthorityFix();
    fix.feed(Buffer.from(preface));
    let held = 0;
    for (let sent = 0; sent < 8; sent++) {
      const endless = frame(sent === 0 ? HEADERS : CONTINUATION, 0, 1, Buffer.alloc(16_000));
      held += endless.length - fix.feed(endless).length;
    }
    assert.equal(held, 0);
  });
});
