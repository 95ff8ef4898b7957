/**
 * Docker's resolver and `docker network connect` many times in a real VM: 60,000 look-ups, and 30 rounds of connect and disconnect.
 * By hand, because both take minutes where the guest is emulated. Prints its measurements.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { processWith, readProcess } from '../support/proc-files.ts';
import { good, run } from '../support/run.ts';
import { variant } from '../support/staged.ts';
import { until } from '../support/until.ts';

const ROUNDS = Number(process.env['KATA_SOAK_ROUNDS'] ?? 30);
const RATE = Number(process.env['KATA_SOAK_RATE'] ?? 1000);
const SECONDS = Number(process.env['KATA_SOAK_LOOKUP_SECONDS'] ?? 60);
const WARM_UP_SECONDS = 10;
/** Tolerance for uncollected objects and the memory that the allocators keep. */
const SLACK_MIB = 16;
const ADDRESS = '10.96.0.7';

/** Prints `yes` when the container has the address, and `no` when it has lost the address. */
const WATCH = `
old=
while :; do
  case $(ip address) in *${ADDRESS}/*) new=yes ;; *) new=no ;; esac
  [ "$new" = "$old" ] || echo "$new"
  old=$new
  sleep 0.05
done`;

const residentMiB = (status: string): number => Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 102.4) / 10;
const fdsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

describe('soak of the network of a VM', function () {
  this.timeout(1_800_000);
  let engine: Engine;
  let directory = '';
  let open = '';
  let id = '';
  let shim = 0;
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-network-soak-'));
    open = variant(directory, 'open', (toml) => toml.replace(/^#?debug_console_enabled = false$/m, 'debug_console_enabled = true'));
    return (engine = await Engine.start({ open }, 'open'));
  });
  after(() => rmSync(directory, { recursive: true }));
  const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
  before(async () => {
    await good(run('gcc', ['-O1', '-Wall', '-Werror', '-static', '-o', join(directory, 'ask'), join(import.meta.dirname, 'ask-names.c')]));
    await docker('network', 'create', '--subnet', '10.95.0.0/24', 'first');
    await docker('network', 'create', '--subnet', '10.96.0.0/24', 'second');
    const start = (name: string, runtime: string): Promise<string> =>
      docker(
        'run',
        '-d',
        '--runtime',
        runtime,
        '--name',
        name,
        '--network',
        'first',
        '-v',
        `${directory}:/ask:ro`,
        'busybox',
        'sleep',
        '3600',
      );
    await start('web', 'runc');
    await start('plain', 'runc');
    id = (await start('box', 'open')).trim();
    shim = Number((await docker('inspect', '-f', '{{.State.Pid}}', 'box')).trim());
  });

  /** Text of a command in the guest outside of the container. */
  const inGuest = (script: string): Promise<string> => good(engine.inMounts(open, ['kata-shell', id, 'sh', '-c', script]));
  async function measure() {
    const proxy = processWith(new RegExp(`kata-proxy.*${id}`));
    const agent = await inGuest('cat /proc/1/status; ls /proc/1/fd | wc -l');
    const memory = { shim: readProcess(shim, 'status'), proxy: readProcess(proxy, 'status'), agent };
    const links = await good(run('nsenter', [`--net=/proc/${shim}/ns/net`, 'ip', '-br', 'link']));
    const state = `/run/vc/sbs/${id}`;
    const journals = readdirSync(state).filter((name) => name.endsWith('.jsonl'));
    const { Network } = JSON.parse(readFileSync(join(state, 'persist.json'), 'utf8')) as { Network: { Endpoints: object[] } };
    return {
      memory: Object.fromEntries(Object.entries(memory).map(([name, status]) => [name, residentMiB(status)])),
      flat: {
        fds: { shim: fdsOf(shim), proxy: fdsOf(proxy), agent: Number(/(\d+)\s*$/.exec(agent)?.[1]) },
        hostLinks: links
          .replace(/^(\S+?)(@\S+)? .*$/gm, '$1')
          .trim()
          .split('\n'),
        guestLinks: (await inGuest('ls /sys/class/net')).trim().split(/\s+/),
        endpoints: Network.Endpoints,
        journals: journals.map((name) => [name, statSync(join(state, name)).size]),
      },
    };
  }
  type Measured = Awaited<ReturnType<typeof measure>>;
  function assertNoGrowth(before: Measured, after: Measured): void {
    console.log(JSON.stringify({ before, after }));
    assert.deepEqual(after.flat, before.flat);
    for (const [name, mib] of Object.entries(after.memory))
      assert.ok(mib < (before.memory[name] ?? 0) + SLACK_MIB, `${name}: ${before.memory[name]} to ${mib} MiB`);
  }

  function watch() {
    const child = spawn('docker', ['exec', 'box', 'sh', '-c', WATCH], { env: engine.environment, stdio: ['ignore', 'pipe', 'inherit'] });
    return { child, stdout: child.stdout };
  }

  it(`${ROUNDS} rounds of connect and disconnect`, async () => {
    const { stdout, child } = watch();
    const lines = createInterface(stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    /** @returns the milliseconds from the end of the command until its effect */
    async function effectOf(shown: string, ...args: string[]): Promise<number> {
      const effect = next().then((line) => [line, performance.now()] as const);
      await docker('network', ...args);
      const ended = performance.now();
      const [line, at] = await effect;
      assert.equal(line, shown);
      return Math.max(0, at - ended);
    }
    const connect = (): Promise<number> => effectOf('yes', 'connect', '--ip', ADDRESS, 'second', 'box');
    const disconnect = (): Promise<number> => effectOf('no', 'disconnect', 'second', 'box');
    const isSettled = async (): Promise<boolean> => !readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8').includes('tap1_kata');
    assert.equal(await next(), 'no');
    for (const change of [connect, disconnect]) await change();
    await until('the device is removed', isSettled);
    const before = await measure();
    const times: Record<string, number[]> = { connect: [], disconnect: [] };
    for (let round = 0; round < ROUNDS; round++) {
      times['connect']?.push(await connect());
      times['disconnect']?.push(await disconnect());
    }
    await until('the device is removed', isSettled);
    for (const [name, all] of Object.entries(times)) {
      const sorted = all.map(Math.round).toSorted((a, b) => a - b);
      console.log(`${name}: ${sorted.length} rounds, median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms`);
    }
    assertNoGrowth(before, await measure());
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });

  it(`${RATE * SECONDS} look-ups, at most ${RATE} a second, are answered`, async () => {
    const ask = (name: string, rate: number, seconds: number): Promise<string> =>
      good(engine.docker(['exec', name, '/ask/ask', 'web', String(rate), String(seconds)], { timeoutMs: seconds * 15_000 }));
    console.log(`runc: ${await ask('plain', RATE, WARM_UP_SECONDS)}`);
    console.log(`warm-up: ${await ask('box', RATE, WARM_UP_SECONDS)}`);
    const before = await measure();
    const text = await ask('box', RATE, SECONDS);
    console.log(text);
    assertNoGrowth(before, await measure());
    assert.match(text, new RegExp(`^sent ${RATE * SECONDS} answered ${RATE * SECONDS} other 0 `));
  });
});
