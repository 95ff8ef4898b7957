import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { DNS_RELAY_PREFACE } from '@kata-containers/common/dns/dns-relay';
import { encodePortForward } from '@kata-containers/common/port-forward/port-forward';
import { recogniseStream } from './recognise-stream.ts';

const grpc = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsettings');
const relay = Buffer.concat([DNS_RELAY_PREFACE, Buffer.from('rest')]);

describe('recogniseStream', () => {
  const cases: [name: string, bytes: Buffer, kind: string, left: string][] = [
    ['gRPC', grpc, 'grpc', grpc.toString()],
    ['a DNS relay', relay, 'dns relay', 'rest'],
    ['a forwarded port', encodePortForward(0x4142), 'port forward', 'AB'],
    ['bytes that begin like the preface of a relay', Buffer.from('KATA DNX'), 'grpc', 'KATA DNX'],
  ];
  for (const [name, bytes, expected, left] of cases) {
    for (const size of [1, 10, bytes.length]) {
      it(`${name}, in chunks of ${size}`, async () => {
        const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
        const kinds: string[] = [];
        let read = '';
        recogniseStream(stream, (kind) => {
          kinds.push(kind);
          stream.on('data', (piece: Buffer) => (read += piece.toString()));
        });
        for (let offset = 0; offset < bytes.length; offset += size) {
          stream.push(bytes.subarray(offset, offset + size));
          await new Promise((resolve) => setImmediate(resolve));
        }
        stream.push(null);
        await once(stream, 'end');
        assert.deepEqual([kinds, read], [[expected], left]);
      });
    }
  }
  it('closes a stream that ends before its protocol is recognised', async () => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    recogniseStream(stream, () => assert.fail());
    stream.push('K');
    stream.push(null);
    await once(stream, 'close');
  });
});
