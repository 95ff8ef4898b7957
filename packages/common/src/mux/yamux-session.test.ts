import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Duplex, duplexPair } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { FLAGS, TYPES, encodeHeader } from './frame.ts';
import { YamuxSession } from './yamux-session.ts';
import type { YamuxOptions } from './yamux-session.ts';
import type { YamuxStream } from './yamux-stream.ts';

const frame = (type: number, flags: number, streamId: number, length: number): Buffer => encodeHeader({ type, flags, streamId, length });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection that splits data into pieces of `sizes`, again and again. */
function choppedPair(sizes: readonly number[]): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  let next = 0;
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        for (let offset = 0; offset < chunk.length;) {
          const size = sizes[next++ % sizes.length] ?? 1;
          other().push(chunk.subarray(offset, offset + size));
          offset += size;
        }
        setImmediate(callback);
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  ends.push(
    make(() => ends[1] as Duplex),
    make(() => ends[0] as Duplex),
  );
  return [ends[0] as Duplex, ends[1] as Duplex];
}

describe('YamuxSession with a YamuxSession as peer', () => {
  const open: YamuxSession[] = [];
  afterEach(() => {
    for (const session of open.splice(0)) session.close();
  });

  function pair(serve: (stream: YamuxStream) => void, [ours, theirs]: [Duplex, Duplex] = duplexPair()): YamuxSession {
    const client = new YamuxSession('client', ours);
    open.push(client, new YamuxSession('server', theirs, { onStream: serve }));
    return client;
  }
  const echo = (stream: YamuxStream): void => {
    pipeline(stream, stream).catch(() => {});
  };

  for (const sizes of [[1], [7, 11, 13], [4096], [65536, 1]]) {
    it(`echoes blocks of ${sizes.join(', ')} bytes after a half-close`, async () => {
      const client = pair(echo, choppedPair(sizes));
      const data = randomBytes(sizes[0] === 1 ? 3000 : 300_000);
      const stream = await client.openStream();
      stream.end(data);
      assert.ok((await buffer(stream)).equals(data));
    });
  }

  it('keeps the bytes of 500 concurrent streams apart and forgets the streams afterwards', async () => {
    const client = pair(echo);
    const run = async (index: number): Promise<boolean> => {
      const data = randomBytes(1000 + index * 37);
      const stream = await client.openStream();
      stream.end(data);
      return (
        createHash('sha256')
          .update(await buffer(stream))
          .digest('hex') === createHash('sha256').update(data).digest('hex')
      );
    };
    const results = await Promise.all(Array.from({ length: 500 }, (_, index) => run(index)));
    assert.ok(results.every(Boolean));
    await turn();
    assert.equal(client.streamCount, 0);
  });

  it('buffers at most one window for a slow reader and loses no bytes', async () => {
    let served: YamuxStream | undefined;
    const client = pair((stream) => (served = stream));
    const data = randomBytes(2 << 20);
    const stream = await client.openStream();
    stream.end(data);
    for (let i = 0; i < 50; i++) await turn();
    assert.ok(served);
    // One window was sent, and no further credit was granted.
    assert.deepEqual([stream.sendWindow, served.recvWindow], [0, 0]);
    served.end();
    assert.ok((await buffer(served)).equals(data));
  });

  it('reports an error to the peer of a destroyed stream', async () => {
    let served: YamuxStream | undefined;
    const client = pair((stream) => (served = stream));
    const stream = await client.openStream();
    stream.write('x');
    for (let i = 0; i < 3; i++) await turn();
    const reset = once(served as YamuxStream, 'error');
    stream.on('error', () => {});
    stream.destroy(new Error('enough'));
    const [error] = (await reset) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  it('answers a ping and ends the streams with the session', async () => {
    const client = pair(echo);
    assert.ok((await client.ping(1000)) >= 0);
    const stream = await client.openStream();
    const failed = once(stream, 'error');
    client.fail(new Error('guest gone'));
    const [error] = (await failed) as [Error];
    assert.match(error.message, /guest gone/);
    await assert.rejects(client.openStream(), /closed/);
    await assert.rejects(client.ping(10), /closed/);
  });

  it('delivers data that was written before a close', async () => {
    let received: Promise<string> | undefined;
    const client = pair((stream) => {
      received = text(stream);
    });
    const stream = await client.openStream();
    stream.on('error', () => {});
    stream.end('last words');
    await turn();
    client.close();
    assert.equal(await received, 'last words');
  });
});

describe('YamuxSession against a peer that sends raw bytes', () => {
  let peer: Duplex;
  let session: YamuxSession;
  let answer: Buffer[];
  let shutdown: Promise<unknown[]>;

  function connect(role: 'client' | 'server', options: YamuxOptions = {}): void {
    const [ours, theirs] = duplexPair();
    peer = theirs;
    answer = [];
    session = new YamuxSession(role, ours, options);
    peer.on('data', (chunk: Buffer) => answer.push(chunk));
    peer.on('error', () => {});
    shutdown = once(session as unknown as NodeJS.EventEmitter, 'shutdown');
  }
  afterEach(() => session.fail());
  const said = (): string => Buffer.concat(answer).toString('hex');

  const hostile: [name: string, bytes: () => Buffer, reason: RegExp][] = [
    ['garbage', () => Buffer.from('GET / HTTP/1.1\r\n\r\n'), /invalid yamux version/],
    ['an unknown type', () => frame(9, 0, 0, 0), /invalid yamux message type/],
    [
      'more than the window',
      () => Buffer.concat([frame(TYPES.WindowUpdate, FLAGS.SYN, 1, 0), frame(TYPES.Data, 0, 1, 262145)]),
      /window exceeded/,
    ],
    ['one stream opened twice', () => Buffer.concat([frame(0, FLAGS.SYN, 1, 0), frame(0, FLAGS.SYN, 1, 0)]), /opened twice/],
    ['an internal error', () => frame(TYPES.GoAway, 0, 0, 2), /go away 2/],
  ];
  for (const [name, bytes, reason] of hostile) {
    it(`${name} ends the session`, async () => {
      connect('server', { onStream: (stream) => stream.on('error', () => {}) });
      peer.write(bytes());
      const [error] = (await shutdown) as [Error];
      assert.match(error.message, reason);
    });
  }

  it('resets a stream if nobody listens', async () => {
    connect('client');
    peer.write(frame(TYPES.WindowUpdate, FLAGS.SYN, 2, 0));
    await turn();
    await turn();
    assert.equal(said(), frame(TYPES.WindowUpdate, FLAGS.RST, 2, 0).toString('hex'));
  });

  it('resets streams beyond the limit', async () => {
    connect('server', { maxStreams: 2, onStream: (stream) => stream.on('error', () => {}) });
    for (const id of [1, 3, 5]) peer.write(frame(TYPES.WindowUpdate, FLAGS.SYN, id, 0));
    await turn();
    await turn();
    assert.ok(said().endsWith(frame(TYPES.WindowUpdate, FLAGS.RST, 5, 0).toString('hex')));
    assert.equal(session.streamCount, 2);
  });

  it('acknowledges an accepted stream at once', async () => {
    connect('server', { onStream: (stream) => stream.on('error', () => {}) });
    peer.write(frame(TYPES.WindowUpdate, FLAGS.SYN, 1, 0));
    await turn();
    await turn();
    assert.equal(said(), frame(TYPES.WindowUpdate, FLAGS.ACK, 1, 0).toString('hex'));
  });

  it('processes SYN, body and FIN of one Data frame', async () => {
    const texts: Promise<string>[] = [];
    connect('server', { onStream: (stream) => texts.push(text(stream)) });
    peer.write(Buffer.concat([frame(TYPES.Data, FLAGS.SYN | FLAGS.FIN, 1, 3), Buffer.from('abc')]));
    await turn();
    assert.deepEqual(await Promise.all(texts), ['abc']);
  });

  it('discards data for a closed stream and processes the following frames', async () => {
    connect('server', { onStream: (stream) => stream.on('error', () => {}) });
    peer.write(Buffer.concat([frame(TYPES.Data, 0, 7, 4), Buffer.from('lost'), frame(TYPES.Ping, FLAGS.SYN, 0, 77)]));
    await turn();
    await turn();
    assert.equal(said(), frame(TYPES.Ping, FLAGS.ACK, 0, 77).toString('hex'));
  });

  it('opens no stream after a GoAway, and open streams continue', async () => {
    connect('client');
    const stream = await session.openStream();
    peer.write(frame(TYPES.GoAway, 0, 0, 0));
    await turn();
    await assert.rejects(session.openStream(), /no more streams/);
    assert.equal(stream.destroyed, false);
    stream.on('error', () => {});
  });

  it('opens at most a backlog of streams without an acknowledgement', async () => {
    connect('client');
    const streams = await Promise.all(Array.from({ length: 256 }, () => session.openStream()));
    for (const stream of streams) stream.on('error', () => {});
    let opened = false;
    const late = session.openStream().then((stream) => {
      opened = true;
      stream.on('error', () => {});
    });
    await turn();
    assert.equal(opened, false);
    peer.write(frame(TYPES.WindowUpdate, FLAGS.ACK, 1, 0));
    await late;
    assert.equal(opened, true);
  });

  it('opens another stream after a reset of an unacknowledged stream', async () => {
    connect('client');
    for (let count = 0; count < 300; count++) {
      const stream = await Promise.race([session.openStream(), turn().then(turn)]);
      assert.ok(stream, `after ${count} streams`);
      stream.on('error', () => {});
      stream.destroy(new Error('the client has disconnected'));
    }
  });

  it('ends the session after a ping flood of a peer that does not read', async () => {
    const [ours, theirs] = duplexPair({ highWaterMark: 1024 });
    session = new YamuxSession('server', ours);
    shutdown = once(session as unknown as NodeJS.EventEmitter, 'shutdown');
    const flood = Buffer.concat(Array.from({ length: 5000 }, (_, value) => frame(TYPES.Ping, FLAGS.SYN, 0, value)));
    theirs.on('error', () => {});
    for (let i = 0; i < 100 && !session.shutdown; i++) {
      theirs.write(flood);
      await turn();
    }
    const [error] = (await shutdown) as [Error];
    assert.match(error.message, /does not read/);
  });

  it('ends the session without an error when the connection ends inside a header', async () => {
    connect('server');
    peer.end(Buffer.from([0, 1]));
    assert.deepEqual(await shutdown, [undefined]);
  });
});
