/**
 * kata-runtime as an executable with Bun: variables and files of the caller must not affect the engine, and the engine must not affect
 * other processes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { installEngine } from '../../packaging/engine/install.ts';
import { enginePrograms } from '../../packaging/engine/programs.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';

const repository = join(import.meta.dirname, '../..');

/** Variables that visibly change the behaviour of Bun, JavaScriptCore, mimalloc or Node. */
const variables: Readonly<Record<string, string>> = {
  BUN_BE_BUN: '1',
  BUN_OPTIONS: '--version',
  BUN_JSC_dumpOptions: '1',
  JSC_dumpOptions: '1',
  BUN_JSC_useJIT: '0',
  BUN_INSPECT: '127.0.0.1:0',
  BUN_BYTECODE_ORDER_OUT: 'order',
  BUN_CRASH_REPORT_URL: 'http://127.0.0.1:9',
  MIMALLOC_VERBOSE: '1',
  NODE_OPTIONS: '--require /nonexistent',
  NODE_CHANNEL_FD: '0',
  NODE_EXTRA_CA_CERTS: '/nonexistent',
  NODE_V8_COVERAGE: 'coverage',
};

/** Files that Bun reads in its working directory. */
const files: Readonly<Record<string, string>> = {
  'bunfig.toml': 'preload = ["./seen.ts"]\n',
  '.env': 'BUN_OPTIONS=--version\nPATH=/nonexistent\n',
  'tsconfig.json': '{',
  'package.json': '{',
  'seen.ts': 'process.exit(77);\n',
};

describe('kata-runtime on Bun', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const path = scratch.file('usr/bin/kata-runtime');
  const shimPath = scratch.file('usr/libexec/kata-containers/kata-shim');
  let rig: RuntimeRig;
  before(() => installEngine(scratch.file('usr')));
  after(() => scratch.remove());
  beforeEach(() => {
    rig = new RuntimeRig(path);
    rig.prepare();
  });
  afterEach(() => rig.close());

  const text = ({ code, stdout, stderr }: Outcome): unknown => [code, stdout, stderr];
  const plain = (): Promise<Outcome> => run('env', ['-i', 'PATH=/usr/bin:/bin', path, '--version']);

  for (const [name, value] of Object.entries(variables))
    it(`${name} of the caller has no effect`, async () => {
      const environment = ['-i', '-C', scratch.path, 'PATH=/usr/bin:/bin', `${name}=${value}`];
      assert.deepEqual(text(await run('env', [...environment, path, '--version'])), text(await plain()));
      assert.match((await run('env', [...environment, shimPath, '-version'])).stdout, /^kata-shim version \S+\n$/);
      for (const left of ['order', 'coverage']) assert.equal(existsSync(scratch.file(left)), false);
    });

  it("files of the caller's directory have no effect", async () => {
    const directory = scratch.file('elsewhere');
    mkdirSync(directory);
    for (const [name, content] of Object.entries(files)) writeFileSync(`${directory}/${name}`, content);
    const given = ['-i', '-C', directory, `HOME=${directory}`, 'PATH=/usr/bin:/bin', path, '--version'];
    assert.deepEqual(text(await run('env', given)), text(await plain()));
  });

  it('callers start one small program, also through a link, which finds its configuration beside itself', async () => {
    assert.ok(statSync(path).size < 1 << 20);
    const link = scratch.file('link');
    symlinkSync(path, link);
    const { stdout } = await run(link, ['--kata-show-default-config-paths']);
    assert.equal(stdout.split('\n')[0], scratch.file('etc/kata-containers/configuration.toml'));
  });

  it('runs when the installation was moved', async () => {
    const moved = scratch.file('moved');
    cpSync(scratch.file('usr'), join(moved, 'usr'), { recursive: true });
    assert.deepEqual(text(await run(join(moved, 'usr/bin/kata-runtime'), ['--version'])), text(await plain()));
    rmSync(moved, { recursive: true });
  });

  it('the error names a missing engine', async () => {
    const alone = scratch.file('alone/bin/kata-runtime');
    mkdirSync(dirname(alone), { recursive: true });
    copyFileSync(path, alone);
    const missing = `${dirname(alone)}/../libexec/kata-containers/engine/kata-runtime`;
    assert.deepEqual(text(await run(alone, ['list'])), [127, '', `${missing}: execve failed (ENOENT)\n`]);
  });

  it('two builds in different directories give the same bytes', async () => {
    const names = ['bin/kata-runtime', 'libexec/kata-containers/kata-shim', 'libexec/kata-containers/engine/kata-runtime'];
    const built = names.map((name) => scratch.file(`usr/${name}`));
    for (const file of built) assert.equal(readFileSync(file).includes(repository), false);
    const again = names.map((name) => scratch.file(`again/${name}`));
    installEngine(scratch.file('again'));
    for (const [index, file] of built.entries()) assert.equal((await run('cmp', [file, again[index] ?? ''])).code, 0);
  });

  it('hooks, QEMU, proxy and shim get no variable of the engine', async () => {
    const hook = rig.executable('hook', `env >${rig.scratch.file('hook-environment')}`);
    rig.changeSpec((spec) => Object.assign(spec, { hooks: { prestart: [{ path: hook }] } }));
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, stderr], [0, '']);
    const { HypervisorState, AgentState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
    const shim = Number(readFileSync(rig.scratch.file('pid'), 'utf8'));
    const environments = [HypervisorState.Process.pid, AgentState.Proxy.pid, shim].map((pid) =>
      readFileSync(`/proc/${pid}/environ`, 'utf8'),
    );
    for (const environment of [...environments, readFileSync(rig.scratch.file('hook-environment'), 'utf8')])
      assert.doesNotMatch(environment, /(^|\0|\n)(BUN|NODE|JSC|MIMALLOC)_/);
  });

  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const)
    it(`run and exec pass ${signal} to the process`, async () => {
      const name = signal.slice('SIG'.length);
      rig.prepare({ shim: `trap "exit 7" ${name}; echo ready >>${rig.scratch.file('shims')}; while :; do sleep 0.05; done` });
      const shims = (): number =>
        existsSync(rig.scratch.file('shims')) ? readFileSync(rig.scratch.file('shims'), 'utf8').split('\n').length - 1 : 0;
      const container = rig.start(['run', '--bundle', rig.scratch.file('bundle'), rig.id]);
      const runEnded = once(container.child, 'exit');
      await until('the container runs', () => shims() === 1 && rig.calls().some((call) => call.startsWith('startContainer')));
      const more = rig.start(['exec', rig.id, 'x']);
      const execEnded = once(more.child, 'exit');
      await until('the second process runs', () => shims() === 2);
      more.child.kill(signal);
      assert.deepEqual([await execEnded, more.output().stderr], [[7, null], '']);
      container.child.kill(signal);
      assert.deepEqual([await runEnded, container.output().stderr], [[7, null], '']);
    });

  it('the variables of the launcher keep Bun from creating threads, for which it would abort in another PID namespace', async () => {
    const bun = join(repository, 'node_modules/@oven/bun-linux-x64-baseline/bin/bun');
    const script = join(import.meta.dirname, 'fakes/busy-in-pid-namespace.ts');
    const set = Object.fromEntries(
      enginePrograms.find(({ name }) => name === 'kata-runtime')?.variables.map((entry) => entry.split('=')) ?? [],
    );
    const crashing = { BUN_ENABLE_CRASH_REPORTING: '0', BUN_CRASH_REPORT_URL: '' };
    const busy = (environment: object): Promise<Outcome> => run(bun, [script], {}, { ...process.env, ...crashing, ...environment });
    assert.deepEqual(text(await busy(set)), [0, '400000\n', '']);
    assert.match((await busy({})).stderr, /abort\(\) called/);
  });

  it("a caller's pipes and terminal stay as they were", async () => {
    const look = 'stty -g; for fd in 0 1 2; do grep ^flags /proc/self/fdinfo/$fd; done';
    const script = `before=$(${look.replace('self', '$$')}); ${path} list >/dev/null 2>&1 <&0; ${path} state nobody; after=$(${look.replace('self', '$$')}); [ "$before" = "$after" ] && echo same`;
    const { stdout } = await run('script', ['-qec', script, '/dev/null']);
    assert.match(stdout, /^same\r?$/m);
  });

  it('a crash prints no link, and sends no report', async () => {
    const curl = scratch.file('bin/curl');
    mkdirSync(scratch.file('bin'));
    writeFileSync(curl, `#!/bin/sh\necho "$@" >${scratch.file('sent')}\n`);
    chmodSync(curl, 0o755);
    assert.equal((await rig.create()).code, 0);
    assert.equal((await rig.kata('start', rig.id)).code, 0);
    const child = spawn(path, ['--kata-config', rig.scratch.file('c.toml'), 'events', '--interval', '1h', rig.id], {
      env: { PATH: `${scratch.file('bin')}:/usr/bin:/bin`, BUN_ENABLE_CRASH_REPORTING: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    await until('the program has started', () => rig.calls().some((call) => call.startsWith('getOOMEvent')));
    process.kill(child.pid ?? -1, constants.signals.SIGSEGV);
    assert.deepEqual(await closed, [null, 'SIGSEGV']);
    assert.match(said, /Segmentation fault/);
    assert.doesNotMatch(said, /https?:|bun\.report/);
    assert.equal(existsSync(scratch.file('sent')), false);
  });
});
