/** kata-proxy as a process, between clients and a guest played by our own yamux server or by raw bytes. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import type { YamuxStream } from '../../packages/common/src/mux/yamux-stream.ts';
import { connectSoon } from '../support/connect-soon.ts';
import { Component, PROXY, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('kata-proxy', function () {
  this.timeout(30_000);
  let scratch: Scratch;
  let guest: Server;
  let serial: Socket | undefined;
  let proxy: Component | undefined;

  beforeEach(() => {
    scratch = new Scratch();
    serial = undefined;
  });
  afterEach(async () => {
    await proxy?.kill();
    proxy = undefined;
    serial?.destroy();
    guest?.close();
    scratch.remove();
  });

  /** Plays QEMU's serial socket: each connection is given to `serve`. */
  async function playGuest(serve: (connection: Socket) => void): Promise<void> {
    guest = createServer({ allowHalfOpen: true }, (connection) => {
      serial = connection;
      connection.on('error', () => {});
      serve(connection);
    });
    guest.listen(scratch.file('kata.sock'));
    await once(guest, 'listening');
  }
  const yamux =
    (onStream: (stream: YamuxStream) => void) =>
    (connection: Socket): void =>
      void new YamuxSession('server', connection, {
        onStream(stream) {
          stream.on('error', () => {}); // of a proxy that ends
          onStream(stream);
        },
      });
  const echo = (stream: YamuxStream): void => {
    pipeline(stream, stream).catch(() => {});
  };

  async function start(...extra: string[]): Promise<Component> {
    const args = [
      '-listen-socket',
      `unix://${scratch.file('proxy.sock')}`,
      '-mux-socket',
      scratch.file('kata.sock'),
      '-sandbox',
      'sb',
      ...extra,
    ];
    proxy = new Component(PROXY, args);
    await until('the proxy listens', () => existsSync(scratch.file('proxy.sock')));
    return proxy;
  }
  const client = (): Promise<Socket> => connectSoon(scratch.file('proxy.sock'));

  it('copies bytes in both directions, and each direction ends alone', async () => {
    await playGuest(yamux(echo));
    await start();
    const data = randomBytes(3 << 20);
    const socket = await client();
    socket.end(data);
    assert.equal(sha256(await buffer(socket)), sha256(data));
  });

  it('the client can still write when the guest has closed its direction', async () => {
    let received: Promise<string> | undefined;
    await playGuest(
      yamux((stream) => {
        stream.end('bye');
        received = text(stream);
      }),
    );
    await start();
    const socket = await client();
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    await once(socket, 'end');
    assert.equal(heard, 'bye');
    socket.end('still here');
    await until('the guest reads', () => received !== undefined);
    assert.equal(await received, 'still here');
  });

  it('500 concurrent connections are kept apart', async () => {
    await playGuest(yamux(echo));
    await start();
    const ask = async (index: number): Promise<boolean> => {
      const socket = await client();
      const data = randomBytes(2000 + index);
      socket.end(data);
      return data.equals(await buffer(socket));
    };
    assert.ok((await Promise.all(Array.from({ length: 500 }, (_, index) => ask(index)))).every(Boolean));
  });

  it('a client that does not read does not grow memory', async () => {
    await playGuest(yamux((stream) => stream.write(Buffer.alloc(64 << 20))));
    const running = await start();
    const before = running.residentMiB();
    const socket = await client();
    socket.pause();
    await until('some bytes wait for the client', () => socket.readableLength > 0);
    const grown = running.residentMiB() - before;
    assert.ok(grown < 24, `grew by ${grown.toFixed(0)} MiB`);
    socket.destroy();
  });

  const signals: [signal: NodeJS.Signals, outcome: { code: number | null; signal: NodeJS.Signals | null }, log: RegExp][] = [
    ['SIGTERM', { code: 0, signal: null }, /^$/],
    ['SIGQUIT', { code: 1, signal: null }, /level=error msg="received fatal signal".*signal=SIGQUIT/],
    ['SIGABRT', { code: 1, signal: null }, /signal=SIGABRT/],
    ['SIGINT', { code: null, signal: 'SIGINT' }, /^$/],
  ];
  for (const [signal, outcome, log] of signals) {
    it(`${signal} ends it as in 1.x`, async () => {
      await playGuest(yamux(echo));
      const running = await start();
      running.child.kill(signal);
      assert.deepEqual(await running.exited, outcome);
      assert.match(running.stderr, log);
    });
  }

  it('SIGTERM ends it while it waits for the guest', async () => {
    proxy = new Component(PROXY, ['-listen-socket', scratch.file('proxy.sock'), '-mux-socket', scratch.file('kata.sock')]);
    const { child, exited } = proxy;
    await until('it catches signals', () => proxy?.catches('SIGQUIT') === true);
    const start_ = performance.now();
    child.kill('SIGTERM');
    assert.deepEqual(await exited, { code: 0, signal: null });
    assert.ok(performance.now() - start_ < 1000);
  });

  it('SIGUSR1 logs the state in debug mode, and starts no debugger', async () => {
    await playGuest(yamux(echo));
    const running = await start('-log', 'debug');
    const socket = await client();
    await until('the stream is opened', () => (serial?.bytesRead ?? 0) >= 12);
    running.child.kill('SIGUSR1');
    await until('it tells', () => running.stderr.includes('state="1 streams"'));
    assert.doesNotMatch(running.stderr, /Debugger listening/);
    socket.destroy();
  });

  it('other users cannot open the console', async () => {
    await playGuest(yamux(echo));
    const port = createServer((connection) => connection.resume()).listen(scratch.file('console.sock'));
    await once(port, 'listening');
    chmodSync(scratch.file('console.sock'), 0o777);
    await start('-agent-logs-socket', scratch.file('console.sock'));
    assert.equal(statSync(scratch.file('console.sock')).mode & 0o777, 0o770);
    port.close();
  });

  it('only root can use the socket', async () => {
    await playGuest(yamux(echo));
    await start();
    assert.equal(statSync(scratch.file('proxy.sock')).mode & 0o777, 0o600);
  });

  it('SIGTERM ends it at once, even during a transfer', async () => {
    await playGuest(yamux((stream) => stream.write(Buffer.alloc(8 << 20))));
    const running = await start();
    const socket = await client();
    socket.on('error', () => {});
    await once(socket, 'data');
    running.child.kill('SIGTERM');
    assert.deepEqual(await running.exited, { code: 0, signal: null });
  });

  const ends: [name: string, act: (connection: Socket) => void, reason: RegExp][] = [
    ['a VM that dies', (connection) => connection.destroy(), /end of file/],
    ['garbage', (connection) => connection.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /invalid yamux version 72/],
    [
      'a body larger than the window',
      (connection) => connection.write(Buffer.from('000000000000000100100001', 'hex')),
      /window exceeded|end of file/,
    ],
    ['an error of the guest', (connection) => connection.write(Buffer.from('000300000000000000000002', 'hex')), /go away 2/],
  ];
  for (const [name, act, reason] of ends) {
    it(`${name}: exit code 1, the reason is logged, and clients are disconnected`, async () => {
      await playGuest((connection) => connection.resume());
      const running = await start();
      const socket = await client();
      await until('the stream is opened', () => (serial?.bytesRead ?? 0) >= 12);
      act(serial as Socket);
      socket.resume();
      await Promise.race([once(socket, 'end'), once(socket, 'close')]);
      assert.deepEqual(await running.exited, { code: 1, signal: null });
      assert.match(running.stderr, reason);
      assert.match(running.stderr, /level=error .*sandbox=sb/);
    });
  }

  it("logs the guest's console, bounded", async () => {
    await playGuest(yamux(echo));
    const port = createServer((connection) => connection.end(`hello\u001b[2J\n${'x'.repeat(20_000)}\nthe last w\u00f6rds`)).listen(
      scratch.file('console.sock'),
    );
    const running = await start('-log', 'debug', '-agent-logs-socket', scratch.file('console.sock'));
    await until('the console is logged to its end', () => running.stderr.includes('the last w\u00f6rds'));
    port.close();
    assert.match(running.stderr, /level=info msg="hello\\x1b\[2J" .*source=agent/);
    assert.ok(running.stderr.split('\n').every((line) => line.length < 8500));
  });

  it("logs the guest's console if QEMU starts later", async () => {
    const flags = ['-listen-socket', `unix://${scratch.file('proxy.sock')}`, '-mux-socket', scratch.file('kata.sock'), '-sandbox', 'sb'];
    const started = new Component(PROXY, [...flags, '-log', 'info', '-agent-logs-socket', scratch.file('console.sock')]);
    proxy = started;
    await until('the proxy has begun', () => started.stderr.includes('announce'));
    const port = createServer((connection) => connection.end('late words\n')).listen(scratch.file('console.sock'));
    await once(port, 'listening');
    await playGuest(yamux(echo));
    await until('the console is logged', () => started.stderr.includes('late words'));
    port.close();
  });

  const invocations: [name: string, args: string[], code: number, stdout: RegExp, stderr: RegExp][] = [
    ['-h', ['-h'], 0, /^Usage of kata-proxy:\n  -listen-socket string\n[^]*\(default "warn"\)/, /^$/],
    ['-version', ['-version'], 0, /^kata-proxy version \S+\n$/, /^$/],
    ['no sockets', ['-sandbox', 'x'], 0, /^Option -mux-socket and -listen-socket required\n$/, /^$/],
    ['another scheme', ['-listen-socket', 'tcp://1', '-mux-socket', '/x'], 1, /^$/, /invalid address scheme/],
    [
      'nobody at the serial socket',
      ['-listen-socket', '/nowhere/p', '-mux-socket', '/nowhere/k'],
      1,
      /^$/,
      /cannot connect to the guest's channel/,
    ],
    ['an unknown flag', ['-what'], 1, /^$/, /unknown option/],
  ];
  for (const [name, args, code, stdout, stderr] of invocations) {
    it(`command line: ${name}`, async () => {
      proxy = new Component(PROXY, args);
      assert.deepEqual((await proxy.exited).code, code);
      assert.match(proxy.stdout.toString(), stdout);
      assert.match(proxy.stderr, stderr);
    });
  }
});
