/** kata-runtime as its callers start it, with QEMU, proxy, agent and shim played: every verb, and each step failing in turn. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationFile } from '../../packages/runtime/src/configuration/configuration-file.ts';
import { run } from '../e2e/engine.ts';
import type { Outcome } from '../e2e/engine.ts';
import { leftovers } from '../e2e/leftovers.ts';
import { Scratch } from './process.ts';

const BUNDLE = join(import.meta.dirname, '../../packages/runtime/dist/kata-runtime.cjs');
const fake = (name: string): string => `${process.execPath} --no-warnings ${join(import.meta.dirname, 'fakes', name)}`;

interface Modes {
  readonly qemu?: string;
  /** The call that the agent refuses. */
  readonly refuses?: string;
  readonly shim?: string;
}

describe('kata-runtime', function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let id = '';
  let count = 0;
  let outputs = 0;

  beforeEach(() => {
    scratch = new Scratch();
    id = `it-${process.pid}-${count++}`;
  });
  afterEach(async () => {
    await kata('delete', '--force', id);
    scratch.remove();
    assert.deepEqual(leftovers(), []);
  });

  const executable = (name: string, script: string): string => {
    writeFileSync(scratch.file(name), `#!/bin/sh\n${script}\n`);
    chmodSync(scratch.file(name), 0o755);
    return scratch.file(name);
  };

  /** An installation of fakes, and a bundle. */
  function prepare({ qemu = 'good', refuses = '-', shim = 'exec sleep 1000' }: Modes = {}): void {
    for (const name of ['kernel', 'image']) writeFileSync(scratch.file(name), 'x');
    const overrides = {
      'hypervisor.qemu.path': executable('qemu', `exec ${fake('qemu.ts')} ${qemu} "$@"`),
      'hypervisor.qemu.kernel': scratch.file('kernel'),
      'hypervisor.qemu.image': scratch.file('image'),
      'hypervisor.qemu.accelerator': 'tcg',
      'proxy.kata.path': executable('kata-proxy', `exec ${fake('proxy.ts')} ${refuses} ${scratch.file('calls')} "$@"`),
      'shim.kata.path': executable('kata-shim', shim),
    };
    writeFileSync(scratch.file('calls'), '');
    writeFileSync(scratch.file('c.toml'), configurationFile(overrides));
    mkdirSync(scratch.file('bundle/rootfs'), { recursive: true });
    mkdirSync(scratch.file('volume'));
    writeFileSync(scratch.file('volume/kept'), 'data');
    const spec = {
      ociVersion: '1.0.2',
      process: { args: ['true'], cwd: '/', env: ['A=1'], rlimits: [{ type: 'RLIMIT_CORE', hard: 18446744073709551615n, soft: 0 }] },
      root: { path: 'rootfs' },
      hostname: 'named',
      mounts: [{ destination: '/v', type: 'bind', source: scratch.file('volume'), options: ['rbind', 'ro'] }],
      linux: { namespaces: [{ type: 'network' }, { type: 'pid' }], resources: { memory: { limit: 1048576 } } },
    };
    const json = JSON.stringify(spec, (_key, value: unknown) => (typeof value === 'bigint' ? `big${value}` : value)).replace(
      /"big(\d+)"/,
      '$1',
    );
    writeFileSync(scratch.file('bundle/config.json'), json);
  }
  /** To the runtime's own end: the shim keeps its stdio, as an engine's pipes, and a pipe's end would be the shim's. */
  async function kata(...words: string[]): Promise<Outcome> {
    const name = scratch.file(`out${outputs++}`);
    const [out, error] = [openSync(name, 'w'), openSync(`${name}.err`, 'w')];
    const all = ['--no-warnings', BUNDLE, '--kata-config', scratch.file('c.toml'), ...words];
    const child = spawn(process.execPath, all, { stdio: ['ignore', out, error] });
    const [code] = (await once(child, 'exit')) as [number | null];
    for (const fd of [out, error]) closeSync(fd);
    const output = readFileSync(name);
    return { code: code ?? 255, output, stdout: output.toString(), stderr: readFileSync(`${name}.err`, 'utf8') };
  }
  const create = (): Promise<Outcome> => kata('create', '--bundle', scratch.file('bundle'), '--pid-file', scratch.file('pid'), id);
  const calls = (): string[] => readFileSync(scratch.file('calls'), 'utf8').trim().split('\n');
  const status = async (): Promise<unknown> => (JSON.parse((await kata('state', id)).stdout) as { status: unknown }).status;

  it('create, start, kill, delete: states, calls, pid file, silence', async () => {
    prepare();
    const silent = { code: 0, stdout: '', stderr: '' };
    const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
    assert.deepEqual(quiet(await create()), silent);
    assert.equal(await status(), 'created');
    const pid = Number(readFileSync(scratch.file('pid'), 'latin1'));
    assert.ok(process.kill(pid, 0));
    assert.deepEqual(quiet(await kata('start', id)), silent);
    assert.equal(await status(), 'running');
    assert.match((await kata('start', id)).stderr, /Can not move from running to running/);
    assert.match((await kata('list', '-q')).stdout, new RegExp(`^${id}$`, 'm'));
    assert.match((await kata('delete', id)).stderr, /Container still running, should be stopped/);
    assert.deepEqual(quiet(await kata('kill', id, 'HUP')), silent);
    process.kill(pid, 'SIGKILL'); // what the shim does when its process has ended
    assert.equal(await status(), 'stopped');
    assert.match((await kata('kill', id, 'TERM')).stderr, /^container not running\n$/);
    assert.deepEqual(quiet(await kata('delete', id)), silent);
    assert.match((await kata('state', id)).stderr, /does not exist/);
    const names = calls().map((line) => line.split(' ')[0]);
    assert.deepEqual(names, ['check', 'createSandbox', 'createContainer', 'startContainer', 'signalProcess', 'destroySandbox']);
    const container = calls().find((line) => line.startsWith('createContainer')) ?? '';
    assert.match(container, /"Hard":"18446744073709551615"/);
    assert.match(container, /"Limit":"1048576"/);
    assert.match(container, new RegExp(`"source":"/run/kata-containers/shared/containers/${id}-[0-9a-f]{16}-v"`));
    assert.equal(readFileSync(scratch.file('volume/kept'), 'utf8'), 'data');
  });

  it('an id that is in use is refused, and what uses it goes on', async () => {
    prepare();
    await create();
    const { code, stderr } = await create();
    assert.equal(code, 1);
    assert.match(stderr, /ID already in use, unique ID should be provided/);
    assert.equal(await status(), 'created');
  });

  const failures: [name: string, modes: Modes, reason: RegExp][] = [
    ['QEMU dies at its start', { qemu: 'dies' }, /QEMU ended at its start.*could not load kernel: it is not one/],
    ['QEMU crashes while the guest boots', { qemu: 'crashes' }, /QEMU ended|guest did not come up/],
    ['the agent does not take the sandbox', { refuses: 'createSandbox' }, /^the guest says no$/m],
    ['the agent does not take the container', { refuses: 'createContainer' }, /^the guest says no$/m],
    ['the agent does not answer well to Check', { refuses: 'check' }, /the guest says no/],
  ];
  for (const [name, modes, reason] of failures) {
    it(`${name}: create fails with that, and nothing is left`, async () => {
      prepare(modes);
      const { code, stdout, stderr } = await create();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, reason);
      assert.deepEqual(leftovers(), []);
      assert.match((await kata('state', id)).stderr, /does not exist/);
    });
  }

  it('the agent does not start the container: it stays created, and delete works', async () => {
    prepare({ refuses: 'startContainer' });
    await create();
    const { code, stderr } = await kata('start', id);
    assert.deepEqual([code, stderr], [1, 'the guest says no\n']);
    assert.equal(await status(), 'created');
    assert.equal((await kata('delete', '--force', id)).code, 0);
  });

  it('delete --force takes damaged and half-made states', async () => {
    prepare();
    await create();
    writeFileSync(`/run/vc/sbs/${id}/persist.json`, 'not JSON');
    writeFileSync(`/run/vc/sbs/${id}/${id}/persist.json`, '{');
    assert.match((await kata('delete', id)).stderr, /is damaged/);
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), []);
    assert.equal((await kata('delete', '--force', id)).code, 0);
  });

  it('a create that is killed half-way is cleaned up by delete --force', async () => {
    prepare({ qemu: 'silent' });
    await run('timeout', [
      '-s',
      'KILL',
      '2',
      process.execPath,
      '--no-warnings',
      BUNDLE,
      '--kata-config',
      scratch.file('c.toml'),
      'create',
      '--bundle',
      scratch.file('bundle'),
      id,
    ]);
    assert.notDeepEqual(leftovers(), []);
    assert.equal((await kata('delete', '--force', id)).code, 0);
    assert.deepEqual(leftovers(), []);
  });

  it('two creates with one id at once: one succeeds', async () => {
    prepare();
    const codes = (await Promise.all([create(), create()])).map(({ code }) => code);
    assert.deepEqual(codes.toSorted(), [0, 1]);
    assert.equal(await status(), 'created');
  });

  it('exec starts a shim in the same way, and gives its exit code', async () => {
    prepare({ shim: 'case "$*" in *-exec-id\\ it-*) exec sleep 1000;; esac; exit 6' });
    await create();
    await kata('start', id);
    const { code } = await kata('exec', '--env', 'B=2', id, 'echo', '-n', 'x');
    assert.equal(code, 6);
    const request = calls().find((line) => line.startsWith('execProcess')) ?? '';
    assert.match(request, /"Args":\["echo","-n","x"\],"Env":\["A=1","B=2"\]/);
  });
});
