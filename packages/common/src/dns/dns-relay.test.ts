import assert from 'node:assert/strict';
import { DNS_RELAY_PREFACE, DnsFrameReader, encodeDnsFrame } from './dns-relay.ts';
import type { DnsFrame } from './dns-relay.ts';
import { namesDockerResolver } from './resolv-conf.ts';

describe('DNS relay frames', () => {
  const frames: DnsFrame[] = [
    { token: 0, transport: 'udp', message: Buffer.from('query') },
    { token: 65535, transport: 'tcp', message: Buffer.alloc(65535, 7) },
    { token: 258, transport: 'udp', message: Buffer.alloc(0) },
  ];
  const bytes = Buffer.concat(frames.map(encodeDnsFrame));

  it('have a header of five bytes', () => {
    assert.deepEqual([...encodeDnsFrame({ token: 258, transport: 'tcp', message: Buffer.from('ab') })], [1, 2, 1, 0, 2, 97, 98]);
  });
  for (const size of [1, 5, 7, 4096, bytes.length]) {
    it(`are parsed from chunks of ${size}`, () => {
      const reader = new DnsFrameReader();
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      assert.deepEqual(
        pieces.flatMap((piece) => reader.push(piece)),
        frames,
      );
    });
  }
  it('contain an empty message instead of a message that is too long', () => {
    assert.deepEqual([...encodeDnsFrame({ token: 1, transport: 'udp', message: Buffer.alloc(65536) })], [0, 1, 0, 0, 0]);
  });
  it('are refused with an unknown transport', () => {
    assert.throws(() => new DnsFrameReader().push(Buffer.from([0, 0, 2, 0, 0])), /transport 2/);
  });
  it("the preface is as long as HTTP/2's", () => assert.equal(DNS_RELAY_PREFACE.length, 24));
});

describe('namesDockerResolver', () => {
  const cases: [text: string, expected: boolean][] = [
    ['search example.org\nnameserver 127.0.0.11\noptions ndots:0', true],
    ['nameserver\t127.0.0.11  ', true],
    ['# nameserver 127.0.0.11\nnameserver 127.0.0.1', false],
    ['nameserver 127.0.0.111', false],
    ['', false],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)}: ${expected}`, () => assert.equal(namesDockerResolver(text.split('\n')), expected));
  }
});
