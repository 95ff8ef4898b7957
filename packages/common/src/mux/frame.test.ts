import assert from 'node:assert/strict';
import { FLAGS, FrameParser, ProtocolError, TYPES, encodeHeader } from './frame.ts';
import type { YamuxHeader } from './frame.ts';

/** Bytes as the specification lays them out: version, type, flags, stream, length. */
const golden: [name: string, header: YamuxHeader, hex: string][] = [
  ['open a stream', { type: TYPES.WindowUpdate, flags: FLAGS.SYN, streamId: 1, length: 0 }, '00 01 0001 00000001 00000000'],
  ['acknowledge with credit', { type: TYPES.WindowUpdate, flags: FLAGS.ACK, streamId: 3, length: 262144 }, '00 01 0002 00000003 00040000'],
  ['data', { type: TYPES.Data, flags: 0, streamId: 1, length: 5 }, '00 00 0000 00000001 00000005'],
  ['half close', { type: TYPES.WindowUpdate, flags: FLAGS.FIN, streamId: 2, length: 0 }, '00 01 0004 00000002 00000000'],
  ['reset', { type: TYPES.WindowUpdate, flags: FLAGS.RST, streamId: 2, length: 0 }, '00 01 0008 00000002 00000000'],
  ['ping', { type: TYPES.Ping, flags: FLAGS.SYN, streamId: 0, length: 0xfffffffe }, '00 02 0001 00000000 fffffffe'],
  ['go away', { type: TYPES.GoAway, flags: 0, streamId: 0, length: 1 }, '00 03 0000 00000000 00000001'],
];
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function parse(chunks: Buffer[]): { headers: YamuxHeader[]; bodies: string[] } {
  const seen = { headers: [] as YamuxHeader[], bodies: [] as string[] };
  let body = '';
  const parser = new FrameParser({
    onHeader: (header) => seen.headers.push(header),
    onBody: (piece, left) => {
      body += piece.toString();
      if (left === 0) {
        seen.bodies.push(body);
        body = '';
      }
    },
  });
  for (const chunk of chunks) parser.push(chunk);
  return seen;
}

describe('yamux frames', () => {
  for (const [name, header, hex] of golden) {
    it(`${name}: written`, () => assert.equal(encodeHeader(header).toString('hex'), bytes(hex).toString('hex')));
    it(`${name}: read`, () => assert.deepEqual(parse([bytes(hex)]).headers, [header]));
  }

  const wire = Buffer.concat([
    bytes(golden[2]?.[2] ?? ''),
    Buffer.from('hello'),
    ...golden.filter(([name]) => name !== 'data').map(([, , hex]) => bytes(hex)),
  ]);
  for (const size of [1, 3, 11, 12, 13, 17, wire.length]) {
    it(`parses chunks of ${size} bytes`, () => {
      const chunks = Array.from({ length: Math.ceil(wire.length / size) }, (_, index) => wire.subarray(index * size, (index + 1) * size));
      const { headers, bodies } = parse(chunks);
      assert.equal(headers.length, golden.length);
      assert.deepEqual(bodies, ['hello']);
    });
  }

  for (const [name, hex] of [
    ['a version other than 0', '01 00 0000 00000001 00000000'],
    ['a type beyond go away', '00 04 0000 00000000 00000000'],
  ] as const) {
    it(`${name} is refused`, () => assert.throws(() => parse([bytes(hex)]), ProtocolError));
  }

  it('passes on parts of bodies as they arrive, for any announced length', () => {
    const parser = new FrameParser({ onHeader: () => {}, onBody: () => {} });
    parser.push(bytes('00 00 0000 00000001 ffffffff'));
    parser.push(Buffer.alloc(1 << 20));
    assert.equal(parser.bodyLeft, 0xffffffff - (1 << 20));
  });
});
