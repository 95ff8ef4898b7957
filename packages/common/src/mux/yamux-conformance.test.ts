/**
 * Behaviour of hashicorp/yamux (spec.md, session.go, stream.go) that yamux-js 0.2.0 lacks, one test each. The peer is raw bytes, so that
 * our code does not test itself.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mock } from 'node:test';
import { FLAGS, GO_AWAY, TYPES } from './frame.ts';
import { playClient, playServer, frame } from './raw-peer.test-support.ts';
import type { Accepted, RawPeer } from './raw-peer.test-support.ts';
import type { YamuxOptions } from './yamux-session.ts';
import type { YamuxStream } from './yamux-stream.ts';

const { Data, WindowUpdate, Ping, GoAway } = TYPES;
const { SYN, ACK, FIN, RST } = FLAGS;
const WINDOW = 262144;

describe('yamux conformance: framing, flags and closing', () => {
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

  describe('framing', () => {
    it('a header may be split over two reads', async () => {
      serve();
      const header = frame(Ping, SYN, 0, 9);
      await peer.say(header.subarray(0, 5));
      await peer.say(header.subarray(5));
      assert.deepEqual(peer.frames, [{ type: Ping, flags: ACK, streamId: 0, length: 9, body: '' }]);
    });
    it('a body may be split over many reads', async () => {
      serve();
      await accept();
      await peer.say(frame(Data, 0, 1, 9), 'abc');
      await peer.say('def');
      await peer.say('ghi', frame(Data, 0, 1, 1), 'j');
      assert.equal(accepted.texts[0], 'abcdefghij');
    });
    it('5460 frames in one read are answered within 1.5 s', async () => {
      serve();
      const start = performance.now();
      await peer.say(...Array.from({ length: 5460 }, (_, value) => frame(Ping, SYN, 0, value)));
      assert.equal(peer.frames.length, 5460);
      assert.ok(performance.now() - start < 1500);
    });
    it('bytes after a GoAway in the same read are processed', async () => {
      serve();
      await peer.say(frame(GoAway, 0, 0, GO_AWAY.normal), frame(Ping, SYN, 0, 5));
      assert.deepEqual(
        peer.frames.map(({ type, length }) => [type, length]),
        [[Ping, 5]],
      );
    });
  });

  describe('flags', () => {
    it('SYN and FIN may be in one frame', async () => {
      serve();
      await peer.say(frame(WindowUpdate, SYN | FIN, 1, 0));
      assert.deepEqual([accepted.streams.length, accepted.ends], [1, 1]);
    });
    it('a SYN may carry data', async () => {
      serve();
      await peer.say(frame(Data, SYN, 1, 3), 'abc');
      assert.equal(accepted.texts[0], 'abc');
    });
    it('a SYN may carry credit', async () => {
      serve();
      await peer.say(frame(WindowUpdate, SYN, 1, 1000));
      assert.equal(accepted.streams[0]?.sendWindow, WINDOW + 1000);
    });
    it('an ACK may carry credit', async () => {
      const stream = await open();
      await peer.say(frame(WindowUpdate, ACK, 1, 500));
      assert.equal(stream.sendWindow, WINDOW + 500);
    });
    it('an ACK may be on a data frame', async () => {
      const stream = await open();
      stream.on('data', () => {});
      const others = await Promise.all(Array.from({ length: 255 }, () => peer.session.openStream()));
      for (const other of others) other.on('error', () => {});
      await peer.say(frame(Data, ACK, 1, 1), 'x');
      const another = await peer.session.openStream(); // waits for an acknowledgement
      another.on('error', () => {});
    });
    it('a FIN may be on a data frame, and takes effect after the data', async () => {
      serve();
      await accept();
      await peer.say(frame(Data, FIN, 1, 4), 'la');
      assert.equal(accepted.ends, 0);
      await peer.say('st');
      assert.deepEqual([accepted.texts[0], accepted.ends], ['last', 1]);
    });
    it('a RST may be on a data frame', async () => {
      const stream = await open();
      const failed = once(stream, 'error');
      await peer.say(frame(Data, RST, 1, 0));
      assert.match(String(await failed), /reset by the peer/);
    });
  });

  describe('closing', () => {
    it('a FIN ends the reading side only', async () => {
      serve();
      await accept();
      await peer.say(frame(WindowUpdate, FIN, 1, 0));
      assert.deepEqual([accepted.ends, accepted.streams[0]?.writable, peer.session.streamCount], [1, true, 1]);
    });
    it('after a FIN of the peer the stream can still be written to', async () => {
      serve();
      await accept();
      await peer.say(frame(WindowUpdate, FIN, 1, 0));
      accepted.streams[0]?.end('answer');
      await peer.settle();
      assert.deepEqual(
        peer.of(1).map(({ type, flags, body }) => [type, flags, body]),
        [
          [WindowUpdate, ACK, ''],
          [Data, 0, 'answer'],
          [WindowUpdate, FIN, ''],
        ],
      );
      assert.equal(peer.session.streamCount, 0);
    });
    it('a RST is an error and a close, and removes the stream', async () => {
      const stream = await open();
      const closed = new Promise((resolve) => stream.on('close', resolve));
      await peer.say(frame(WindowUpdate, RST, 1, 0));
      await closed;
      assert.deepEqual([stream.destroyed, peer.session.streamCount], [true, 0]);
    });
    it('end() sends a FIN', async () => {
      const stream = await open();
      stream.end();
      await peer.settle();
      assert.equal(peer.of(1).at(-1)?.flags, FIN);
    });
    it('the FIN is sent once, after all data', async () => {
      const stream = await open();
      stream.write('a'.repeat(WINDOW + 10));
      stream.end();
      await peer.settle();
      assert.ok(peer.of(1).every(({ flags }) => !(flags & FIN)));
      await peer.say(frame(WindowUpdate, 0, 1, 10));
      stream.destroy();
      await peer.settle();
      const sent = peer.of(1);
      assert.equal(sent.filter(({ flags }) => flags & FIN).length, 1);
      assert.equal(
        sent.reduce((sum, { body }) => sum + body.length, 0),
        WINDOW + 10,
      );
      assert.equal(sent.at(-1)?.flags, FIN);
    });
    it('destroy() with an error resets and removes the stream', async () => {
      const stream = await open();
      stream.destroy(new Error('enough'));
      await peer.settle();
      assert.deepEqual([peer.of(1).at(-1)?.flags, peer.session.streamCount], [RST, 0]);
    });
    it('a stream that the peer does not close is reset after five minutes', async () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const stream = await open();
        stream.destroy();
        await peer.settle();
        assert.deepEqual([peer.of(1).at(-1)?.flags, peer.session.streamCount], [FIN, 1]);
        mock.timers.tick(300_000);
        await peer.settle();
        assert.deepEqual([peer.of(1).at(-1)?.flags, peer.session.streamCount], [RST, 0]);
      } finally {
        mock.timers.reset();
      }
    });
  });
});
