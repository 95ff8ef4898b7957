/**
 * Behaviour of hashicorp/yamux (spec.md, session.go, stream.go) that yamux-js 0.2.0 lacks, one test each. The peer is raw bytes, so that
 * our code does not test itself.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { FLAGS, GO_AWAY, TYPES } from './frame.ts';
import { RawPeer, playClient, playServer, frame } from './raw-peer.test-support.ts';
import type { Accepted } from './raw-peer.test-support.ts';
import type { YamuxOptions } from './yamux-session.ts';
import type { YamuxStream } from './yamux-stream.ts';

const { Data, WindowUpdate, Ping, GoAway } = TYPES;
const { SYN, ACK, RST } = FLAGS;
const WINDOW = 262144;

describe('yamux conformance: windows, streams and sessions', () => {
  let peer: RawPeer;
  let accepted: Accepted;
  afterEach(() => peer.session.fail());

  function serve(options: YamuxOptions & { readonly read?: boolean } = {}): void {
    [peer, accepted] = playClient(options);
  }
  async function open(): Promise<YamuxStream> {
    const [played, stream] = await playServer();
    peer = played;
    return stream;
  }
  const accept = (id = 1): Promise<void> => peer.say(frame(WindowUpdate, SYN, id, 0));

  describe('windows', () => {
    it('a writer without a window continues as soon as it gets credit', async () => {
      const stream = await open();
      stream.write(Buffer.alloc(WINDOW + 1000));
      await peer.settle();
      const start = performance.now();
      await peer.say(frame(WindowUpdate, 0, 1, 1000));
      assert.equal(
        peer.of(1).reduce((sum, { body }) => sum + body.length, 0),
        WINDOW + 1000,
      );
      assert.ok(performance.now() - start < 80);
    });
    it('no frame is longer than the window', async () => {
      const stream = await open();
      stream.write(Buffer.alloc(WINDOW));
      await peer.settle();
      stream.write(Buffer.alloc(100));
      await peer.say(frame(WindowUpdate, 0, 1, 7));
      assert.equal(peer.of(1).at(-1)?.length, 7);
    });
    it('a full connection blocks the writers', async () => {
      const stream = await open();
      await peer.say(frame(WindowUpdate, ACK, 1, 64 << 20));
      peer.connection.pause();
      stream.write(Buffer.alloc(32 << 20));
      for (let i = 0; i < 50; i++) await peer.settle();
      assert.ok(stream.writableLength > 0);
      assert.ok(peer.connection.readableLength < 4 << 20);
      peer.connection.resume();
      await new Promise((resolve) => stream.once('drain', resolve));
    });
    it('credit is returned when the reader reads data, not when data arrives', async () => {
      serve({ read: false });
      await accept();
      await peer.say(frame(Data, 0, 1, WINDOW), Buffer.alloc(WINDOW));
      assert.deepEqual(
        peer.of(1).map(({ flags, length }) => [flags, length]),
        [[ACK, 0]],
      );
      accepted.streams[0]?.resume();
      await peer.settle();
      assert.equal(
        peer.of(1).reduce((sum, { length }) => sum + length, 0),
        WINDOW,
      );
    });
    it('the ACK grants a window that is larger than the initial window', async () => {
      serve({ windowBytes: 1 << 20 });
      await accept();
      assert.deepEqual(
        peer.of(1).map(({ flags, length }) => [flags, length]),
        [[ACK, (1 << 20) - WINDOW]],
      );
    });
    it('a GoAway answers data beyond the window, and the session ends', async () => {
      serve({ read: false });
      await accept();
      await peer.say(frame(Data, 0, 1, WINDOW), Buffer.alloc(WINDOW), frame(Data, 0, 1, 1), 'x');
      assert.match(String(await peer.ended), /window exceeded/);
      assert.deepEqual(
        peer.of(0).map(({ type, length }) => [type, length]),
        [[GoAway, GO_AWAY.protocolError]],
      );
    });
  });

  describe('streams', () => {
    it('an accepted stream is acknowledged at once, without a write', async () => {
      serve();
      await accept();
      assert.deepEqual(
        peer.of(1).map(({ type, flags }) => [type, flags]),
        [[WindowUpdate, ACK]],
      );
    });
    it('more than 256 streams may be open', async () => {
      serve();
      await peer.say(...Array.from({ length: 300 }, (_, index) => frame(WindowUpdate, SYN, 2 * index + 1, 0)));
      assert.equal(accepted.streams.length, 300);
      assert.ok(peer.frames.every(({ flags }) => flags === ACK));
    });
    it('no more than 256 are opened without an acknowledgement', async () => {
      peer = new RawPeer('client');
      const opening = Array.from({ length: 257 }, () => peer.session.openStream().then((stream) => stream.on('error', () => {})));
      await Promise.all(opening.slice(0, 256));
      assert.equal(peer.session.streamCount, 256);
      await peer.say(frame(WindowUpdate, ACK, 1, 0));
      await opening[256];
    });
    it('ids are odd for the client and even for the server', async () => {
      const stream = await open();
      assert.equal(stream.id, 1);
      peer.session.fail();
      peer = new RawPeer('server');
      const other = await peer.session.openStream();
      other.on('error', () => {});
      assert.equal(other.id, 2);
    });
    it('without unused ids no stream is opened, and the session continues', async () => {
      peer = new RawPeer('client');
      peer.session.nextStreamID = 0xffffffff + 2;
      await assert.rejects(peer.session.openStream(), /no yamux stream ids are left/);
      assert.equal(peer.session.shutdown, false);
    });
    it('after our GoAway the peer opens no stream', async () => {
      serve();
      peer.session.goAway();
      await accept(5);
      assert.deepEqual([accepted.streams.length, peer.of(5).at(-1)?.flags], [0, RST]);
    });
  });

  describe('session', () => {
    it('a ping is answered, and the answer to our ping resolves a promise', async () => {
      serve();
      const answered = peer.session.ping(1000);
      await peer.settle();
      await peer.say(frame(Ping, ACK, 0, peer.frames[0]?.length ?? 0));
      assert.ok((await answered) >= 0);
    });
    it('a ping without an answer fails after its time limit', async () => {
      serve();
      await assert.rejects(peer.session.ping(5), /no yamux ping answer/);
      assert.equal(peer.session.shutdown, false);
    });
    it('the value of pings wraps around', async () => {
      serve();
      (peer.session as unknown as { pingValue: number }).pingValue = 0xffffffff;
      for (let count = 0; count < 2; count++) peer.session.ping(1000).catch(() => {});
      await peer.settle();
      assert.deepEqual(
        peer.frames.map(({ length }) => length),
        [0xffffffff, 0],
      );
    });
    it('every reader gets an error when the session ends', async () => {
      serve({ read: false });
      await accept(1);
      await accept(3);
      const failed = accepted.streams.map((stream) => once(stream, 'error'));
      peer.connection.end();
      const errors = (await Promise.all(failed)).map(([error]) => error as Error);
      assert.equal(errors.length, 2);
    });
    it('each reader gets a separate error object', async () => {
      const [one, two] = [await open().then(() => peer), await open().then(() => peer)];
      one.session.fail();
      two.session.fail();
      const errors = await Promise.all([one, two].map(({ session }) => session.openStream().catch((error: unknown) => error)));
      assert.notEqual(errors[0], errors[1]);
    });
  });

  describe('golden bytes', () => {
    const hex = (text: string): string => text.replaceAll(/\s/g, '');

    it('a client that sends a request and receives an answer', async () => {
      const stream = await open();
      stream.end('ask');
      await peer.say(Buffer.from(hex('00 01 0002 00000001 00000000  00 00 0000 00000001 00000006'), 'hex'), 'answer');
      await peer.say(Buffer.from(hex('00 01 0004 00000001 00000000'), 'hex'));
      assert.equal(stream.read()?.toString(), 'answer');
      assert.equal(
        Buffer.concat(peer.bytes).toString('hex'),
        hex('00 01 0001 00000001 00000000  00 00 0000 00000001 00000003 61736b  00 01 0004 00000001 00000000'),
      );
      assert.equal(peer.session.streamCount, 0);
    });
    it('a server that receives a request and answers', async () => {
      serve();
      await peer.say(
        Buffer.from(hex('00 01 0001 00000003 00000000  00 00 0000 00000003 00000003 61736b  00 01 0004 00000003 00000000'), 'hex'),
      );
      accepted.streams[0]?.end('ok');
      await peer.settle();
      assert.equal(
        Buffer.concat(peer.bytes).toString('hex'),
        hex('00 01 0002 00000003 00000000  00 00 0000 00000003 00000002 6f6b  00 01 0004 00000003 00000000'),
      );
    });
    it('a session that is closed', async () => {
      serve();
      peer.session.close();
      await peer.settle();
      assert.equal(Buffer.concat(peer.bytes).toString('hex'), hex('00 03 0000 00000000 00000000'));
    });
  });
});
