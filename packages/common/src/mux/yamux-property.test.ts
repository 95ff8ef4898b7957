/** For any chunking, interleaving and bytes, the data arrive or the session ends with a reason. Seeded random tests. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Duplex, duplexPair } from 'node:stream';
import { FrameParser, ProtocolError, encodeHeader } from './frame.ts';
import { RawPeer, frame, randomFrom, turn } from './raw-peer.test-support.ts';
import { YamuxSession } from './yamux-session.ts';
import type { YamuxStream } from './yamux-stream.ts';

type Random = () => number;
const below = (random: Random, limit: number): number => Math.floor(random() * limit);

function randomBuffer(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => below(random, 256)));
}

/** Two ends of a connection that splits data at random places and delays it at random. */
function choppedPair(random: Random): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        for (let offset = 0; offset < chunk.length;) {
          const size = 1 + below(random, random() < 0.3 ? 20 : 40_000);
          other().push(chunk.subarray(offset, offset + size));
          offset += size;
        }
        if (random() < 0.5) setImmediate(callback);
        else callback();
      },
    });
  const ends: [Duplex, Duplex] = [make(() => ends[1]), make(() => ends[0])];
  return ends;
}

/** Writes in random steps, and reads in random steps. Returns the checksums of the sent and of the received data. */
async function talk(stream: YamuxStream, random: Random): Promise<[string, string]> {
  const [sent, heard] = [createHash('sha256'), createHash('sha256')];
  const reading = (async () => {
    for await (const chunk of stream) {
      heard.update(chunk as Buffer);
      if (random() < 0.1) await turn();
    }
  })();
  for (let left = 1 + below(random, 100_000); left > 0;) {
    const piece = randomBuffer(random, Math.min(left, 1 + below(random, 5000)));
    left -= piece.length;
    sent.update(piece);
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
    if (random() < 0.2) await turn();
  }
  stream.end();
  await reading;
  return [sent.digest('hex'), heard.digest('hex')];
}

const echo = (stream: YamuxStream): void => {
  stream.on('error', () => {});
  stream.pipe(stream);
};

describe('yamux with random chunks and interleaving', function () {
  this.timeout(20_000);
  for (const seed of [1, 2, 3, 4]) {
    it(`20 streams of random lengths come back unchanged (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      const [ours, theirs] = choppedPair(random);
      const client = new YamuxSession('client', ours);
      const server = new YamuxSession('server', theirs, { onStream: echo, windowBytes: seed % 2 === 0 ? 1 << 20 : 262144 });
      const talks = Array.from({ length: 20 }, async () => talk(await client.openStream(), random));
      for (const [sent, heard] of await Promise.all(talks)) assert.equal(heard, sent);
      for (let i = 0; i < 5; i++) await turn();
      assert.deepEqual([client.streamCount, server.streamCount], [0, 0]);
      client.close();
      server.fail();
    });
  }

  it('500 concurrent streams in both directions keep their bytes apart', async () => {
    const random = randomFrom(500);
    const [ours, theirs] = duplexPair();
    const client = new YamuxSession('client', ours, { onStream: echo });
    const server = new YamuxSession('server', theirs, { onStream: echo });
    const run = async (index: number): Promise<boolean> => {
      const stream = await (index % 2 === 0 ? client : server).openStream();
      const data = randomBuffer(random, 200 + index);
      stream.end(data);
      const heard: Buffer[] = [];
      for await (const chunk of stream) heard.push(chunk as Buffer);
      return Buffer.concat(heard).equals(data);
    };
    const results = await Promise.all(Array.from({ length: 500 }, (_, index) => run(index)));
    assert.equal(results.filter(Boolean).length, 500);
    client.close();
    server.fail();
  });
});

describe('yamux with random bytes', function () {
  this.timeout(20_000);

  it('3000 random byte strings are parsed or refused, in any chunks', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const random = randomFrom(seed);
      const bytes = randomBuffer(random, below(random, 200));
      if (seed % 2 === 0) bytes.fill(0, 0, Math.min(1, bytes.length)); // past the version
      const outcome = (sizes: () => number): string => {
        const seen: string[] = [];
        const parser = new FrameParser({ onHeader: (header) => seen.push(JSON.stringify(header)), onBody: () => {} });
        try {
          for (let offset = 0, size = sizes(); offset < bytes.length; offset += size, size = sizes())
            parser.push(bytes.subarray(offset, offset + size));
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `seed ${seed}`);
          seen.push('error');
        }
        return seen.join();
      };
      assert.equal(
        outcome(() => 1 + below(random, 30)),
        outcome(() => bytes.length),
        `seed ${seed}`,
      );
    }
  });

  /** Frames that are nearly valid: small ids, all flags, lengths around the window. */
  function nearlyRight(random: Random): Buffer {
    const lengths = [0, 1, 5, 262143, 262144, 262145, 0xffffffff];
    const length = lengths[below(random, lengths.length)] ?? 0;
    const type = below(random, random() < 0.02 ? 256 : 4);
    const header = encodeHeader({ type, flags: below(random, 16), streamId: below(random, 6), length });
    return Buffer.concat([header, type === 0 && length < 10 ? Buffer.alloc(length) : Buffer.alloc(0)]);
  }

  for (const role of ['client', 'server'] as const) {
    it(`after almost valid frames of 400 peers a session is open or has a reason for its end (${role})`, async () => {
      for (let seed = 0; seed < 400; seed++) {
        const random = randomFrom(seed);
        const peer = new RawPeer(role, { onStream: echo, maxStreams: 4 });
        const own = await peer.session.openStream();
        own.on('error', () => {});
        own.write('x');
        await peer.say(...Array.from({ length: 30 }, () => nearlyRight(random)));
        assert.ok(peer.session.streamCount <= 5, `seed ${seed}`);
        if (!peer.session.shutdown) await peer.say(frame(2, 1, 0, 1));
        peer.session.fail();
        await peer.ended;
      }
    });
  }
});
