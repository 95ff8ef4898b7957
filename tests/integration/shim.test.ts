/** kata-shim as a process, against an agent that the test plays. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { FakeAgent, never, pieces } from './fake-agent.ts';
import type { FakeProcess } from './fake-agent.ts';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { Component, SHIM, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('kata-shim', function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let agent: FakeAgent | undefined;
  let shim: Component | undefined;

  beforeEach(() => (scratch = new Scratch()));
  afterEach(async () => {
    await shim?.kill();
    agent?.stop();
    shim = agent = undefined;
    scratch.remove();
  });
  const args = (...extra: string[]): string[] => [
    '-agent',
    `unix://${scratch.file('agent.sock')}`,
    '-container',
    'c',
    '-exec-id',
    'e',
    ...extra,
  ];

  async function start(fake: FakeProcess, ...extra: string[]): Promise<{ shim: Component; agent: FakeAgent }> {
    agent = await FakeAgent.start(scratch.file('agent.sock'), fake);
    shim = new Component(SHIM, args(...extra));
    return { shim, agent };
  }

  for (const code of [0, 7, 137, 255]) {
    it(`exits with ${code} as the process does`, async () => {
      const { shim: running } = await start({ exit: () => Promise.resolve(code) });
      assert.deepEqual(await running.exited, { code, signal: null });
    });
  }
  it('has the command line of its process, cut to the length of its own', async () => {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { exit: never });
    shim = new Component(SHIM, args(), { KATA_SHIM_TITLE: `sleep 1000 ${'x'.repeat(1000)}` });
    const { pid } = shim.child;
    await until('the process has the command line', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep 1000 xxx'));
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'sleep 1000 xxxx\n');
  });
  describe('started before its process', () => {
    /** @returns the read end of the report, and the write end of `begin` */
    async function startEarly(): Promise<[report: number, begin: number]> {
      agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: pieces('output'), exit: () => Promise.resolve(4) });
      const [report, writing] = linuxKernel.pipe(0);
      const [reading, begin] = linuxKernel.pipe(0);
      shim = new Component(SHIM, args(), { KATA_SHIM_DUTIES: '{"report":3,"begin":4}' }, [writing, reading]);
      for (const fd of [writing, reading]) closeSync(fd);
      return [report, begin];
    }
    /** Ends when the shim has closed its end. */
    const readReport = (report: number): string => {
      const text = readFileSync(report, 'utf8');
      closeSync(report);
      return text;
    };
    const stdinClosed = (): number | undefined => agent?.seen.stdinClosed;

    it('reports that it has started, and relays after a byte', async () => {
      const [report, begin] = await startEarly();
      shim?.child.stdin.end();
      assert.equal(readReport(report), 'started');
      assert.deepEqual([shim?.stdout.length, stdinClosed()], [0, 0]);
      writeSync(begin, '1');
      closeSync(begin);
      assert.equal((await shim?.exited)?.code, 4);
      assert.deepEqual([shim?.stdout.toString(), stdinClosed()], ['output', 1]);
    });
    it('ends when the runtime ends, and calls nothing', async () => {
      const [report, begin] = await startEarly();
      shim?.child.stdin.end();
      assert.equal(readReport(report), 'started');
      closeSync(begin);
      assert.equal((await shim?.exited)?.code, 1);
      assert.deepEqual([shim?.stdout.length, stdinClosed()], [0, 0]);
    });
  });

  it('exits with 0 with -proxy-exit-code=false', async () => {
    const { shim: running } = await start({ exit: () => Promise.resolve(9) }, '-proxy-exit-code=false');
    assert.equal((await running.exited).code, 0);
  });

  it('does not shut down a socket that is its stdout', async () => {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: pieces('its own ') });
    const program = [join(import.meta.dirname, '../../packages', SHIM), ...args()];
    const shell = spawn('sh', ['-c', '"$@"; echo after', 'sh', ...program], { stdio: ['ignore', 'pipe', 'inherit'] }); // Node's pipes are sockets
    let said = '';
    shell.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(shell, 'close');
    assert.equal(said, 'its own after\n');
  });

  it('keeps stdout and stderr apart, in order, and writes all before it exits', async () => {
    const { shim: running } = await start({ stdout: pieces('one ', 'two ', '', 'three'), stderr: pieces('error') });
    await running.exited;
    assert.deepEqual([running.stdout.toString(), running.stderr], ['one two three', 'error']);
  });

  it('10 MB of input and output arrive unchanged in random pieces', async () => {
    const data = randomBytes(10 << 20);
    let offset = 0;
    const stdout = (length: number): Promise<Buffer | undefined> => {
      const piece = data.subarray(offset, offset + Math.min(length, 77_777));
      offset += piece.length;
      return Promise.resolve(piece.length > 0 ? piece : undefined);
    };
    const write = (piece: Buffer): Promise<number> => Promise.resolve(Math.min(piece.length, 100_001));
    let input: () => void = () => {};
    const finished = new Promise<void>((resolve) => (input = resolve));
    const { shim: running, agent: fake } = await start({ stdout, write, exit: () => finished.then(() => 0) });
    running.child.stdin.end(data);
    await until('stdin is closed', () => fake.seen.stdinClosed === 1, 30_000);
    input();
    await running.exited;
    assert.equal(sha256(running.stdout), sha256(data));
    // The agent accepted part of each piece: the rest was sent again.
    const taken = Buffer.concat(fake.seen.input.map((piece) => piece.subarray(0, 100_001)));
    assert.equal(sha256(taken), sha256(data));
  });

  it('closes stdin once, after all input was written', async () => {
    const { shim: running, agent: fake } = await start({ stdout: never });
    running.child.stdin.end('abc');
    await until('stdin is closed', () => fake.seen.stdinClosed === 1);
    assert.equal(Buffer.concat(fake.seen.input).toString(), 'abc');
  });

  it('an open stdin does not delay its exit', async () => {
    const { shim: running } = await start({ exit: () => Promise.resolve(3) });
    assert.equal((await running.exited).code, 3);
  });

  it('a reader that does not read does not grow memory', async () => {
    const piece = Buffer.alloc(1 << 20);
    let given = 0;
    const { shim: running } = await start({ stdout: () => Promise.resolve(given++ < 64 ? piece : undefined) });
    running.child.stdout.removeAllListeners('data').pause();
    await until('the shim waits for its reader', () => given >= 2);
    assert.ok(given < 8, `${given} MiB were taken`);
    assert.ok(running.residentMiB() < 120, `${running.residentMiB().toFixed(0)} MiB`);
    running.child.stdout.resume();
    await running.exited;
    assert.equal(given, 65);
  });

  it('an exit code that comes with the end of the output is used without a call', async () => {
    const { shim: running } = await start({ stdout: pieces('out'), exit: never, exitWithOutput: 6 });
    assert.equal((await running.exited).code, 6);
    assert.equal(running.stdout.toString(), 'out');
  });

  it('output without a reader does not lose the exit code', async () => {
    const { shim: running } = await start({
      stdout: pieces(...Array.from({ length: 50 }, () => Buffer.alloc(65536))),
      exit: () => Promise.resolve(4),
    });
    running.child.stdout.destroy();
    assert.equal((await running.exited).code, 4);
  });

  it('exits with 255 when it loses the agent', async () => {
    const { shim: running, agent: fake } = await start({ stdout: never });
    running.child.stdin.write('x');
    await until('it is connected', () => fake.seen.input.length > 0);
    fake.stop();
    assert.equal((await running.exited).code, 255);
  });

  it('exits with 137 when it loses the agent of a VM that was OOM-killed', async () => {
    const count = scratch.file('memory.events');
    writeFileSync(count, 'oom 1\noom_kill 0\n');
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never });
    shim = new Component(SHIM, args(), { KATA_SHIM_DUTIES: JSON.stringify({ oomKills: count, requests: [] }) });
    shim.child.stdin.write('x');
    const { seen } = agent;
    await until('it is connected', () => seen.input.length > 0);
    writeFileSync(count, 'oom 1\noom_kill 1\n');
    agent.stop();
    assert.equal((await shim.exited).code, 137);
  });

  it('a response that is too long ends only that stream', async () => {
    const huge = Buffer.alloc(16 << 20);
    const { shim: running } = await start({ stdout: pieces(huge), exit: () => Promise.resolve(5) });
    assert.equal((await running.exited).code, 5);
    assert.equal(running.stdout.length, 0);
  });

  /** All signals that have a name, except signals that cannot be caught or are about the shim's own children, pipes and terminal. */
  const kept = ['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGPIPE', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH', 'SIGIOT', 'SIGPOLL'];
  const signals = (Object.keys(constants.signals) as NodeJS.Signals[]).filter((name) => !kept.includes(name));
  it('relays every other signal, each as often as it is sent, and continues to run', async () => {
    const { shim: running, agent: fake } = await start({ stdout: never });
    running.child.stdin.write('x');
    await until('it is connected', () => fake.seen.input.length > 0);
    for (const signal of signals) {
      running.child.kill(signal);
      await until(`${signal} arrives`, () => fake.seen.signals.at(-1) === constants.signals[signal]);
    }
    for (const signal of ['SIGPWR', 'SIGSTKFLT', 'SIGPWR'] as const) {
      const before = fake.seen.signals.length;
      running.child.kill(signal);
      await until(`${signal} arrives again`, () => fake.seen.signals.length > before);
      assert.equal(fake.seen.signals.at(-1), constants.signals[signal]);
    }
    assert.equal(running.child.exitCode, null);
  });

  it('a signal before the agent can be reached is delivered later', async () => {
    shim = new Component(SHIM, args());
    await until('it catches signals', () => shim?.catches('SIGPWR') === true);
    shim.child.kill('SIGTERM');
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never });
    const fake = agent;
    await until('SIGTERM arrives', () => fake.seen.signals.includes(constants.signals.SIGTERM));
  });

  it('is stopped by its terminal like any background program, and does not spin', async () => {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never, exit: never });
    const program = [join(import.meta.dirname, '../../packages', SHIM), ...args('-terminal')];
    const script = `set -m; ${program.join(' ')} & echo "pid=$!"; wait`;
    const terminal = spawn('script', ['-qec', script, '/dev/null'], { stdio: 'pipe', env: { ...process.env, SHELL: '/bin/bash' } });
    const closed = once(terminal, 'close');
    let said = '';
    terminal.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      await until('the shell reports the stopped job', () => /Stopped/.test(said));
    } finally {
      process.kill(Number(/pid=(\d+)/.exec(said)?.[1]), 'SIGKILL');
      terminal.kill('SIGKILL');
      await closed;
    }
  });

  it('makes a terminal raw, and sends its size at the start and after a change', async () => {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never, exit: never });
    const fake = agent;
    const program = [join(import.meta.dirname, '../../packages', SHIM), ...args('-terminal')];
    const script = `stty rows 33 cols 77; ${program.join(' ')}`;
    const terminal = spawn('script', ['-qec', script, '/dev/null'], { stdio: 'pipe' });
    terminal.stdout.resume();
    await until('the size is sent', () => fake.seen.sizes.includes('33x77'));
    terminal.stdin.write('\u0003'); // in raw mode Ctrl-C is a byte like any other
    await until('Ctrl-C arrives', () => Buffer.concat(fake.seen.input).includes(3));
    fake.stop();
    await once(terminal, 'close');
  });

  const invocations: [name: string, args: string[], code: number, stdout: RegExp, stderr: RegExp][] = [
    ['-h', ['-h'], 0, /^Usage of kata-shim:\n  -agent string\n[^]*\(default true\)/, /^$/],
    ['-version', ['-version'], 0, /^kata-shim version \S+\n$/, /^$/],
    ['no agent', ['-container', 'c', '-exec-id', 'e'], 1, /^$/, /agent must be given/],
    ['no container', ['-agent', 'unix:///x', '-exec-id', 'e'], 1, /^$/, /container must be given/],
    ['no exec-id', ['-agent', 'unix:///x', '-container', 'c'], 1, /^$/, /exec-id must be given/],
    ['another scheme', ['-agent', 'tcp://x', '-container', 'c', '-exec-id', 'e'], 1, /^$/, /invalid agent address/],
  ];
  for (const [name, argv, code, stdout, stderr] of invocations) {
    it(`command line: ${name}`, async () => {
      shim = new Component(SHIM, argv);
      assert.equal((await shim.exited).code, code);
      assert.match(shim.stdout.toString(), stdout);
      assert.match(shim.stderr, stderr);
    });
  }
});
