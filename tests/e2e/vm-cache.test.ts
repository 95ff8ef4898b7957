/** The VM cache: containers start in VMs that stood ready, and do without one as well. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, until } from './engine.ts';
import type { Outcome } from './engine.ts';
import { leftovers } from './leftovers.ts';
import { variant } from './staged.ts';

const SIZE = 2;
const NONE = '00000000-0000';

describe('VM cache', function () {
  this.timeout(180_000);
  let directory: string;
  let endpoint: string;
  let runtime: string;
  let engine: Engine;
  let server: ChildProcess;

  const docker = (words: string): Promise<Outcome> => engine.docker(words.split(' '));
  const factory = (action: string): Promise<Outcome> => engine.inMounts(runtime, ['factory', action]);
  const pids = async (): Promise<string[]> =>
    [...(await factory('status')).stdout.matchAll(/^VM pid = (\d+) /gm)].map(([, pid = NONE]) => pid);

  async function startServer(): Promise<void> {
    server = spawn('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, runtime, 'factory', 'init'], { stdio: 'ignore' });
    await until('VMs are ready', async () => (await pids()).length === SIZE, 90_000);
  }
  async function stopServer(signal: NodeJS.Signals): Promise<void> {
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }
  /** Runs a container for long, and tells whether its VM is one of those that stood ready. */
  async function runFromCache(name: string): Promise<boolean> {
    const ready = await pids();
    const { code, stderr } = await docker(`run -d --name ${name} busybox sleep 1000`);
    assert.equal(code, 0, stderr);
    const left = await pids();
    return ready.some((pid) => !left.includes(pid) && existsSync(`/proc/${pid}`));
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-cache-'));
    endpoint = join(directory, 'cache.sock');
    runtime = variant(directory, 'cached', (toml) =>
      toml
        .replace(/^#vm_cache_number = .*$/m, `vm_cache_number = ${SIZE}`)
        .replace(/^#vm_cache_endpoint = .*$/m, `vm_cache_endpoint = "${endpoint}"`)
        .replace('enable_template = false', 'enable_template = true'),
    );
    engine = await Engine.start({ cached: runtime }, 'cached');
    await startServer();
  });
  after(async () => {
    if (server.exitCode === null && server.signalCode === null) await stopServer('SIGTERM');
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('tells what stands ready, and is there once', async () => {
    const { stdout } = await factory('status');
    assert.match(stdout, /^VM cache server pid = \d+\n(VM pid = \d+ Cpu = 1 Memory = 2048MiB\n){2}vm factory is on\n$/);
    const { code, stderr } = await factory('init');
    assert.deepEqual([code, stderr], [1, `${endpoint} already exist.  Please stop running VMCache server and remove ${endpoint}\n`]);
  });

  it('gives containers their VM, whole: name, address, volume, time, exit code', async () => {
    assert.equal(await runFromCache('one'), true);
    assert.equal((await docker('exec one hostname')).stdout.trim(), (await docker('ps -q --filter name=one')).stdout.trim());
    const gateway = (await docker('inspect -f {{.NetworkSettings.Gateway}} one')).stdout.trim();
    assert.equal((await docker(`exec one ping -c 1 -W 5 ${gateway}`)).code, 0);
    const guest = Number((await docker('exec one date +%s')).stdout);
    assert.ok(Math.abs(guest - Date.now() / 1000) < 5, `guest's clock ${guest}`);
    const { code, stdout, stderr } = await docker(`run --rm -v ${directory}:/v busybox sh -c echo>/v/from-guest;exit\${IFS}7`);
    assert.deepEqual([code, stdout, stderr], [7, '', '']);
    assert.equal(existsSync(join(directory, 'from-guest')), true);
    await docker('rm -f one');
  });

  it('a VM that has died is not given', async () => {
    await until('VMs are ready', async () => (await pids()).length === SIZE, 60_000);
    for (const pid of await pids()) process.kill(Number(pid), 'SIGKILL');
    const { code, stdout, stderr } = await docker('run --rm busybox echo well');
    assert.deepEqual([code, stdout], [0, 'well\n'], stderr);
    await until('VMs are ready again', async () => (await pids()).length === SIZE, 60_000);
  });

  it('a server that ends leaves the VMs that it gave; without one a VM is cloned', async () => {
    assert.equal(await runFromCache('two'), true);
    await stopServer('SIGTERM');
    assert.equal((await docker('exec two echo well')).stdout, 'well\n');
    assert.equal((await docker('run --rm busybox echo alone')).stdout, 'alone\n');
    await docker('rm -f two');
    await until('nothing is left', () => leftovers().length === 0, 5000).catch(() => assert.deepEqual(leftovers(), []));
    assert.match((await factory('status')).stdout, /^no VM cache server listens on .*\nvm factory is on\n$/);
  });

  it('what a killed server leaves is removed by the next one, which Quit ends', async () => {
    await startServer();
    const orphans = await pids();
    await stopServer('SIGKILL');
    await startServer();
    for (const pid of orphans) assert.equal(existsSync(`/proc/${pid}`), false);
    const ended = once(server, 'exit');
    assert.equal((await factory('destroy')).stdout, 'vm factory destroyed\n');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(existsSync(endpoint), false);
  });
});
