import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { DNS_RELAY_PREFACE } from '@kata-containers/common/dns/dns-relay';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import { encodePortForward } from '@kata-containers/common/port-forward/port-forward';
import { serveConnection } from './serve-connection.ts';

describe('serveConnection', () => {
  let listener: Server;
  let session: YamuxSession;
  let seen: PromiseWithResolvers<string>;
  /** Reads to the end. */
  const take = (kind: string) => (stream: Duplex) => {
    let bytes = Buffer.alloc(0);
    stream.on('data', (piece: Buffer) => (bytes = Buffer.concat([bytes, piece])));
    stream.on('end', () => seen.resolve(`${kind} ${bytes.toString('latin1')}`));
  };
  beforeEach(async () => {
    seen = Promise.withResolvers();
    const server = { accept: take('gRPC'), relayDns: take('DNS'), forwardPort: take('port') };
    listener = createServer((connection) => void serveConnection(connection, server)).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    session = new YamuxSession('client', createConnection(port, '127.0.0.1'), { onStream: () => {} });
  });
  afterEach(() => {
    session.close();
    listener.close();
  });

  const cases: [name: string, sent: Buffer, expected: string][] = [
    [
      'gRPC: all bytes, also those of an incomplete frame',
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0'),
      'gRPC PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0',
    ],
    ['a DNS relay: the bytes after the preface', Buffer.concat([DNS_RELAY_PREFACE, Buffer.from('query')]), 'DNS query'],
    ['a forwarded port: the two bytes after the preface', encodePortForward(0x4142), 'port AB'],
  ];
  for (const [name, sent, expected] of cases)
    it(`passes on from ${name}`, async () => {
      const stream = await session.openStream();
      stream.on('error', () => {}); // the session ends before the stream
      stream.resume().end(sent);
      assert.equal(await seen.promise, expected);
    });
});
