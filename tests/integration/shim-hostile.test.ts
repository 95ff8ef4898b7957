/** A hostile or lost agent: the shim's memory stays bounded, its exit code is right, and it never hangs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer as createHttp2Server } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { FakeAgent, never, pieces } from './fake-agent.ts';
import type { FakeProcess } from './fake-agent.ts';
import { Component, SHIM, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

const MIB = 1 << 20;
const LOST = 255;

describe('kata-shim with a hostile agent', function () {
  this.timeout(30_000);
  let scratch: Scratch;
  let agent: FakeAgent | undefined;
  let shim: Component | undefined;
  let server: Server | undefined;
  const peers: { destroy(): void }[] = [];
  beforeEach(() => (scratch = new Scratch()));
  afterEach(async () => {
    await shim?.kill();
    agent?.stop();
    for (const peer of peers.splice(0)) peer.destroy();
    server?.close();
    shim = agent = server = undefined;
    scratch.remove();
  });
  const args = (...extra: string[]): string[] => [
    ...['-agent', `unix://${scratch.file('agent.sock')}`, '-container', 'c', '-exec-id', 'e'],
    ...extra,
  ];
  async function start(fake: FakeProcess): Promise<{ shim: Component; agent: FakeAgent }> {
    agent = await FakeAgent.start(scratch.file('agent.sock'), fake);
    shim = new Component(SHIM, args());
    return { shim, agent };
  }

  it('invalid HTTP/2 ends the shim at once', async () => {
    server = createServer((socket) => {
      peers.push(socket.on('error', () => {}));
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(scratch.file('agent.sock'));
    shim = new Component(SHIM, args());
    assert.deepEqual(await shim.exited, { code: LOST, signal: null });
    assert.deepEqual([shim.stdout.toString(), shim.stderr], ['', ''], 'stdio is the process’ own');
  });

  /** HTTP/2 responses that no gRPC library sends. Other calls return the end of output and exit code 6. */
  async function serveHttp2(readStdout: (stream: ServerHttp2Stream) => void): Promise<Component> {
    const http2 = createHttp2Server();
    http2.on('session', (session) => peers.push(session));
    http2.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      const call = String(headers[':path']).replace('/grpc.AgentService/', '');
      if (call === 'ReadStdout') return readStdout(stream);
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      const isEnd = call === 'ReadStderr';
      stream.on('wantTrailers', () => stream.sendTrailers(isEnd ? { 'grpc-status': '2', 'grpc-message': 'EOF' } : { 'grpc-status': '0' }));
      stream.end(call === 'WaitProcess' ? Buffer.from([0, 0, 0, 0, 2, 8, 6]) : Buffer.alloc(5));
    });
    server = http2.listen(scratch.file('agent.sock')) as unknown as Server;
    shim = new Component(SHIM, args());
    return shim;
  }
  const announced = (length: number): Buffer => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(length, 1);
    return prefix;
  };

  const answers: [name: string, answer: (stream: ServerHttp2Stream) => void][] = [
    [
      'an answer of a gigabyte',
      (stream) => {
        stream.respond();
        stream.write(Buffer.concat([announced(1 << 30), Buffer.alloc(MIB)]));
      },
    ],
    [
      'an answer without end',
      (stream) => {
        stream.respond();
        stream.write(announced(1000));
        const more = (): void => {
          while (!stream.destroyed && stream.write(Buffer.alloc(65536)));
          stream.once('drain', more);
        };
        more();
      },
    ],
    [
      'a response that is not a message',
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff]));
      },
    ],
    ['an answer without a status', (stream) => stream.respond({ ':status': 200 }, { endStream: true })],
    ['a status that is not a number', (stream) => stream.respond({ ':status': 200, 'grpc-status': 'x'.repeat(5000) }, { endStream: true })],
    [
      'a megabyte of error text',
      (stream) => stream.respond({ ':status': 200, 'grpc-status': '2', 'grpc-message': 'y'.repeat(60_000) }, { endStream: true }),
    ],
    ['a reset', (stream) => stream.close(11)],
  ];
  for (const [name, answer] of answers) {
    it(`${name} ends that output, and the exit code is that of the process`, async () => {
      const running = await serveHttp2(answer);
      let largest = 0;
      const watch = setInterval(() => {
        if (running.child.exitCode === null) largest = Math.max(largest, running.residentMiB() || 0);
      }, 20);
      assert.deepEqual(await running.exited, { code: 6, signal: null });
      clearInterval(watch);
      assert.ok(largest < 80, `${largest.toFixed(0)} MiB`);
      assert.deepEqual([running.stdout.toString(), running.stderr], ['', '']);
    });
  }

  it('all input is sent once if the agent reports more accepted input than was sent', async () => {
    const { shim: running, agent: fake } = await start({ stdout: never, write: () => Promise.resolve(0xffffffff) });
    running.child.stdin.end('abc');
    await until('stdin is closed', () => fake.seen.stdinClosed === 1);
    assert.equal(Buffer.concat(fake.seen.input).toString(), 'abc');
  });

  it('CloseStdin is called once for a process that has closed its stdin, and the exit code is reported', async () => {
    const { shim: running, agent: fake } = await start({ stdout: never, write: () => Promise.resolve(0) });
    running.child.stdin.end(Buffer.alloc(8 * MIB));
    await until('stdin is closed', () => fake.seen.stdinClosed === 1);
    assert.equal(fake.seen.input.length, 1);
  });

  let answered = 0;
  const countedMegabyte = (): Promise<Buffer> => {
    answered++;
    return Promise.resolve(Buffer.alloc(MIB));
  };
  const losses: [name: string, played: FakeProcess, reads: boolean][] = [
    ['while it waits for output', { stdout: never }, true],
    ['while it waits for the exit code', { exit: never }, true],
    ['while nobody reads its output', { stdout: countedMegabyte }, false],
    ['in the middle of output', { stdout: () => Promise.resolve(Buffer.alloc(100_000)) }, true],
  ];
  for (const [name, played, reads] of losses) {
    it(`losing the agent ${name} ends the shim with ${LOST} within two seconds`, async () => {
      const { shim: running, agent: fake } = await start(played);
      if (!reads) running.child.stdout.removeAllListeners('data').pause();
      running.child.stdin.write('x');
      await until('it is connected', () => fake.seen.input.length > 0);
      if (!reads) {
        await until('both of its buffers are full', () => answered === 2);
        running.child.stdin.write('y');
        await until('it has received the second answer', () => fake.seen.input.length > 1);
      }
      const start_ = performance.now();
      fake.stop();
      const code = new Promise((resolve) => running.child.once('exit', resolve));
      assert.equal(await code, LOST);
      assert.ok(performance.now() - start_ < 2000);
      running.child.stdout.resume();
    });
  }

  /** Ends a shim on a terminal. @returns the terminal's settings before and after, as stty prints them */
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const waysOut: [name: string, played: FakeProcess, leave: (fake: FakeAgent, keyboard: Writable) => unknown][] = [
    ['the process ends', { stdout: pieces('x'), exit: () => Promise.resolve(0) }, () => {}],
    [
      'the process has closed its stdin before',
      { write: () => Promise.resolve(0), exit: () => ended },
      async (fake, keyboard) => {
        keyboard.write('x');
        await until('stdin is closed', () => fake.seen.stdinClosed === 1);
        end(0);
      },
    ],
    ['the agent ends', { stdout: never }, (fake) => fake.stop()],
    ['the agent sends invalid bytes', { stdout: () => Promise.resolve(Buffer.alloc(8 * MIB)), exit: () => Promise.resolve(1) }, () => {}],
  ];
  for (const [name, played, leave] of waysOut) {
    it(`the terminal's settings are restored when ${name}`, async () => {
      agent = await FakeAgent.start(scratch.file('agent.sock'), played);
      const shimPath = join(import.meta.dirname, '../../packages', SHIM);
      const program = [shimPath, ...args('-terminal')].join(' ');
      const look = 'stty -g; grep ^flags /proc/self/fdinfo/0'; // a shell beside us does not expect O_NONBLOCK
      const terminal = spawn('script', ['-qec', `${look}; stty rows 20 cols 70; ${program}; ${look}`, '/dev/null'], { stdio: 'pipe' });
      let said = '';
      terminal.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const fake = agent;
      await until('the size is sent', () => fake.seen.sizes.includes('20x70'));
      await leave(fake, terminal.stdin);
      await new Promise((resolve) => terminal.once('close', resolve));
      const settings = said.match(/[0-9a-f]+(:[0-9a-f]+){10,}\r\nflags:\s+\d+/g) ?? [];
      assert.equal(settings.length, 2, said);
      assert.equal(settings[1], settings[0]);
    });
  }
});
