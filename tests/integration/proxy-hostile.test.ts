/** A hostile guest: the proxy's memory stays bounded, its log has the reason, and it ends cleanly or continues to serve. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { FLAGS, TYPES, encodeHeader } from '../../packages/common/src/mux/frame.ts';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { until } from '../support/until.ts';
import type { Component } from '../support/process.ts';
import { ProxyRig } from './proxy-rig.ts';

const MIB = 1 << 20;
/** Limits of memory and time that a hostile guest may use. */
const MAX_GROWTH_MIB = 24;
const frame = (type: number, flags: number, streamId: number, length: number): Buffer => encodeHeader({ type, flags, streamId, length });

/** Writes `count` times with back-pressure; stops when the socket is closed. */
async function flood(socket: Socket, piece: Buffer, count: number): Promise<void> {
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (let i = 0; i < count && !socket.destroyed; i++)
    if (!socket.write(piece)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), gone]);
}

describe('kata-proxy with a hostile guest', function () {
  this.timeout(30_000);
  let rig: ProxyRig;
  beforeEach(() => (rig = new ProxyRig()));
  afterEach(() => rig.stop());

  /** A proxy with one client, whose stream is number 1 of the serial port. */
  async function start(read = true): Promise<{ proxy: Component; serial: Socket; client: Socket }> {
    const connected = rig.listen('kata.sock', (connection) => read && connection.resume());
    const proxy = await rig.start();
    const client = await rig.connect();
    const serial = await connected;
    if (read) await until('the stream is opened', () => serial.bytesRead >= 12);
    return { proxy, serial, client };
  }

  const fatal: [name: string, attack: (serial: Socket) => unknown, reason: RegExp][] = [
    ['garbage', (serial) => serial.write('SSH-2.0-OpenSSH_9.2\r\n'), /invalid yamux version 83/],
    ['another version', (serial) => serial.write(Buffer.from('010000000000000100000000', 'hex')), /invalid yamux version 1/],
    ['an unknown type', (serial) => serial.write(frame(200, 0, 1, 0)), /invalid yamux message type 200/],
    ['a huge length', (serial) => serial.write(frame(TYPES.Data, 0, 1, 0xffffffff)), /window exceeded/],
    [
      'a little more than the window, in small pieces',
      (serial) => flood(serial, Buffer.concat([frame(TYPES.Data, 0, 1, 65536), Buffer.alloc(65536)]), 100),
      /window exceeded/,
    ],
    ['an internal error', (serial) => serial.write(frame(TYPES.GoAway, 0, 0, 2)), /go away 2/],
    [
      'pings, with nobody reading the answers',
      async (serial) => {
        serial.pause();
        await flood(serial, Buffer.concat(Array.from({ length: 5000 }, (_, value) => frame(TYPES.Ping, FLAGS.SYN, 0, value))), 400);
      },
      /does not read/,
    ],
    [
      'streams, with nobody reading that they are refused',
      async (serial) => {
        serial.pause();
        const opened = (from: number): Buffer[] =>
          Array.from({ length: 5000 }, (_, index) => frame(1, FLAGS.SYN, 2 * (from + index) + 2, 0));
        for (let i = 0; i < 200 && !serial.destroyed; i++) await flood(serial, Buffer.concat(opened(i * 5000)), 1);
      },
      /does not read/,
    ],
    ['half a header, then the end', (serial) => serial.end(Buffer.from([0, 1, 0])), /end of file/],
  ];
  for (const [name, attack, reason] of fatal) {
    it(`${name}: exit code 1, the reason is logged, and the client is disconnected`, async () => {
      const { proxy, serial, client } = await start();
      const before = proxy.residentMiB();
      client.pause(); // the proxy buffers the output, up to its limit
      await attack(serial);
      assert.deepEqual(await Promise.race([proxy.exited, grows(proxy, before)]), { code: 1, signal: null });
      assert.match(proxy.stderr, reason);
      assert.match(proxy.stderr, /level=error .*sandbox=sb/);
      client.resume();
      if (!client.readableEnded && !client.destroyed) await Promise.race([once(client, 'end'), once(client, 'close')]);
    });
  }

  /** Never resolves, and fails when the process grows too much before it ends. */
  async function grows(proxy: Component, before: number): Promise<never> {
    await until(
      'the memory is bounded',
      () => proxy.child.exitCode === null && proxy.residentMiB() - before > MAX_GROWTH_MIB,
      20_000,
    ).catch(() => new Promise(() => {}));
    throw new Error(`grew by more than ${MAX_GROWTH_MIB} MiB`);
  }

  const survived: [name: string, attack: (serial: Socket) => unknown, log: RegExp][] = [
    [
      'streams that the guest opens',
      (serial) => flood(serial, Buffer.concat(Array.from({ length: 1000 }, (_, index) => frame(1, FLAGS.SYN, 2 * index + 2, 0))), 10),
      /streams that the guest opened were refused.*component=yamux.*count=8192/,
    ],
    [
      'data, credit, ends and resets for streams that are not there',
      (serial) =>
        flood(
          serial,
          Buffer.concat([frame(0, 0, 99, 3), Buffer.from('abc'), frame(1, 0, 98, 1000), frame(1, 4, 97, 0), frame(1, 8, 96, 0)]),
          5000,
        ),
      /^$/,
    ],
    [
      '64 MiB for a stream that is not there',
      (serial) => flood(serial, Buffer.concat([frame(TYPES.Data, 0, 77, MIB), Buffer.alloc(MIB)]), 64),
      /^$/,
    ],
    ['answers to pings that were not sent', (serial) => flood(serial, frame(TYPES.Ping, FLAGS.ACK, 0, 12345), 10_000), /^$/],
  ];
  for (const [name, attack, log] of survived) {
    it(`${name}: serves on`, async () => {
      const { proxy, serial, client } = await start();
      const before = proxy.residentMiB();
      await attack(serial);
      serial.write(Buffer.concat([frame(TYPES.Data, FLAGS.ACK | FLAGS.FIN, 1, 5), Buffer.from('still')]));
      assert.equal(String(await buffer(client)), 'still');
      await until('it has logged', () => log.test(proxy.stderr));
      const grown = proxy.residentMiB() - before;
      assert.ok(grown < MAX_GROWTH_MIB, `grew by ${grown.toFixed(0)} MiB`);
      assert.ok(proxy.stderr.length < 16_384, 'the log is bounded');
    });
  }

  const byte = Buffer.concat([frame(TYPES.Data, 0, 1, 1), Buffer.from('x')]);
  const word = Buffer.concat([frame(TYPES.Data, 0, 1, 50), Buffer.alloc(50)]);
  const waiting: [name: string, piece: Buffer, count: number][] = [
    [
      'some bytes beside 64 KiB for nobody, again and again',
      Buffer.concat([word, frame(TYPES.Data, 0, 99, 65536), Buffer.alloc(65536)]),
      4000,
    ],
    ['a window of frames with a byte each', Buffer.concat(Array.from({ length: 4096 }, () => byte)), 220],
  ];
  for (const [name, piece, count] of waiting) {
    it(`${name}: data that wait for a client use no more memory than their length`, async () => {
      const { proxy, serial, client } = await start();
      const before = proxy.residentMiB();
      client.pause();
      await flood(serial, piece, count);
      // An answer means that everything was read.
      const answered = once(serial, 'data');
      serial.write(frame(TYPES.Ping, FLAGS.SYN, 0, 7));
      await answered;
      const grown = proxy.residentMiB() - before;
      assert.ok(grown < MAX_GROWTH_MIB, `grew by ${grown.toFixed(0)} MiB`);
    });
  }

  it('if the guest accepts no more streams, a new client is disconnected at once, and the reason is logged', async () => {
    const { proxy, serial } = await start();
    // An answer to the ping means that the proxy has read the go away before it.
    const answered = once(serial, 'data');
    serial.write(Buffer.concat([frame(TYPES.GoAway, 0, 0, 0), frame(TYPES.Ping, FLAGS.SYN, 0, 7)]));
    await answered;
    const socket = await rig.connect();
    const disconnected = Promise.race([once(socket, 'close'), once(socket, 'end')]);
    socket.resume();
    await disconnected;
    await until('the reason is logged', () => proxy.stderr.includes('no stream could be opened for a client'));
  });

  it('a flood of console lines is read, the log is bounded, and suppressed lines are counted', async () => {
    const { proxy } = await (async () => {
      const flooded = rig.listen(
        'console.sock',
        (connection) => void flood(connection, Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_000)), 64),
      );
      void rig.listen('kata.sock', (connection) => connection.resume());
      const started = await rig.start('-log', 'info', '-agent-logs-socket', rig.scratch.file('console.sock'));
      const before = started.residentMiB();
      const port = await flooded;
      await until('all of it is read', () => port.bytesWritten >= 64_000_000 && port.writableLength === 0, 20_000);
      assert.ok(started.residentMiB() - before < MAX_GROWTH_MIB);
      port.write('\n');
      return { proxy: started };
    })();
    assert.ok(proxy.stderr.length < 20 * MIB);
  });

  it('bytes arrive unchanged from a serial port that splits them at random', async () => {
    const sizes = [1, 11, 4096, 3, 12];
    void rig.listen('kata.sock', (connection) => {
      const write = connection.write.bind(connection) as (chunk: Buffer) => boolean;
      let next = 0;
      connection.write = ((chunk: Buffer) => {
        let more = true;
        for (let offset = 0; offset < chunk.length;) {
          const size = sizes[next++ % sizes.length] ?? 1;
          more = write(chunk.subarray(offset, offset + size));
          offset += size;
        }
        return more;
      }) as typeof connection.write;
      void new YamuxSession('server', connection, {
        onStream: (stream) => {
          stream.on('error', () => {});
          stream.pipe(stream);
        },
      });
    });
    await rig.start();
    const client = await rig.connect();
    const data = randomBytes(200_000);
    client.end(data);
    assert.ok((await buffer(client)).equals(data));
  });
});
