import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { createLogger } from '@kata-containers/common/logging/logger';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import { forwardPort } from './forward-port.ts';

const log = createLogger({ format: 'text', level: 'error', write: () => {}, precision: 'nanoseconds' });

/** Two ends of a connection. */
function connectedPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (other: number): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        ends[other]?.push(chunk);
        done();
      },
      final(done) {
        ends[other]?.push(null);
        done();
      },
    });
  const pair: [Duplex, Duplex] = [end(1), end(0)];
  ends.push(...pair);
  return pair;
}

const portBytes = (port: number): Buffer => Buffer.from([port >> 8, port & 255]);

describe('forwardPort', () => {
  let server: Server;
  let proxy: YamuxSession;
  afterEach(() => {
    server.close();
    proxy.close();
  });

  async function listen(host: string, serve: (socket: Socket) => void): Promise<number> {
    server = createServer({ allowHalfOpen: true }, serve).listen(0, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  /** The proxy's end of a stream to the agent. */
  async function open(): Promise<Duplex> {
    const [host, guest] = connectedPair();
    void new YamuxSession('server', guest, {
      onStream: (opened) =>
        void forwardPort(
          opened.on('error', () => {}),
          log,
        ),
    });
    proxy = new YamuxSession('client', host, { onStream: () => {} });
    const stream = await proxy.openStream();
    stream.on('error', () => {});
    return stream;
  }

  for (const address of ['127.0.0.1', '::1']) {
    it(`connects to a server on ${address}, and each direction ends separately`, async () => {
      const port = await listen(address, (socket) => {
        const pieces: Buffer[] = [];
        socket.on('data', (piece) => pieces.push(piece as Buffer));
        socket.on('end', () => socket.end(Buffer.concat(pieces).toString().toUpperCase()));
      });
      const stream = await open();
      stream.write(portBytes(port).subarray(0, 1));
      stream.write(portBytes(port).subarray(1));
      stream.end('request');
      assert.equal(await text(stream), 'REQUEST');
    });
  }
  it('sends all bytes of a server that has closed', async () => {
    const body = Buffer.alloc(3 << 20, 'kata');
    const port = await listen('127.0.0.1', (socket) => socket.resume().end(body));
    const stream = await open();
    stream.end(portBytes(port));
    assert.ok((await buffer(stream)).equals(body));
  });
  it('resets the stream when no process listens', async () => {
    const port = await listen('127.0.0.1', () => {});
    server.close();
    await once(server, 'close');
    const stream = await open();
    stream.write(portBytes(port));
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });
  it('resets the stream when the server resets the connection', async () => {
    const port = await listen('127.0.0.1', (socket) => socket.resetAndDestroy());
    const stream = await open();
    stream.write(portBytes(port));
    await once(stream, 'error');
  });
  it('resets the connection when the stream is reset', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const port = await listen('127.0.0.1', (socket) => accepted.resolve(socket.resume()));
    const stream = await open();
    stream.write(portBytes(port));
    const socket = await accepted.promise;
    stream.destroy(new Error('the client has disconnected'));
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });
  it('ends the stream when it ends before the port', async () => {
    await listen('127.0.0.1', () => assert.fail());
    const stream = await open();
    stream.end(Buffer.from([1]));
    stream.resume();
    await once(stream, 'close');
  });
});
