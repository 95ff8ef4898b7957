/** The VM cache: containers start in prepared VMs, and also without a prepared VM. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheServer } from '../support/cache-server.ts';
import { Engine } from '../support/engine.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';

describe('VM cache', function () {
  this.timeout(180_000);
  let directory: string;
  let engine: Engine;
  let server: CacheServer;

  const docker = (args: string): Promise<Outcome> => engine.docker(args.split(' '));
  const factory = (action: string): Promise<Outcome> => engine.inMounts(server.script, ['factory', action]);
  const pids = (): Promise<string[]> => server.pids(engine);

  /** Runs a long container. @returns whether its VM is from the cache */
  async function runFromCache(name: string, runtime = 'cached'): Promise<boolean> {
    const ready = await pids();
    const { code, stderr } = await docker(`run -d --runtime ${runtime} --name ${name} busybox sleep 1000`);
    assert.equal(code, 0, stderr);
    const left = await pids();
    return ready.some((pid) => !left.includes(pid) && existsSync(`/proc/${pid}`));
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-cache-'));
    server = new CacheServer(directory);
    const macvtap = server.runtime('kata-cache-macvtap', (toml) =>
      toml.replace(/^internetworking_model = .*$/m, 'internetworking_model = "macvtap"'),
    );
    engine = await Engine.start({ cached: server.script, macvtap }, 'cached');
    await server.ready(engine);
  });
  after(async () => {
    await server.stop('SIGTERM');
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('lists the ready VMs, and refuses a second server', async () => {
    const { endpoint } = server;
    const { stdout } = await factory('status');
    assert.match(stdout, /^VM cache server pid = \d+\n(VM pid = \d+ Cpu = 1 Memory = 2048MiB\n){2}vm factory is on\nTEMPLATE {3,}SIZE /);
    const { code, stderr } = await factory('init');
    assert.deepEqual([code, stderr], [1, `${endpoint} already exist.  Please stop running VMCache server and remove ${endpoint}\n`]);
  });

  it('hands over VMs with the right name, address, volume, time and exit code', async () => {
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

  it('a cached VM has a tap already, so macvtap falls back to tcfilter', async () => {
    await server.ready(engine);
    assert.equal(await runFromCache('one', 'macvtap'), true);
    const gateway = (await docker('inspect -f {{.NetworkSettings.Gateway}} one')).stdout.trim();
    assert.equal((await docker(`exec one ping -c 1 -W 5 ${gateway}`)).code, 0);
    const pid = (await docker('inspect -f {{.State.Pid}} one')).stdout.trim();
    const { stdout } = await engine.inMounts('nsenter', [
      `--net=/proc/${pid}/ns/net`,
      'tc',
      'filter',
      'show',
      'dev',
      'eth0',
      'parent',
      'ffff:',
    ]);
    assert.match(stdout, /Egress Redirect to device tap0_kata/);
    await docker('rm -f one');
  });

  it('a VM that has ended is not handed over', async () => {
    await server.ready(engine);
    for (const pid of await pids()) process.kill(Number(pid), 'SIGKILL');
    const { code, stdout, stderr } = await docker('run --rm busybox echo well');
    assert.deepEqual([code, stdout], [0, 'well\n'], stderr);
    await server.ready(engine);
  });

  it('a server that ends leaves the VMs that it has handed over; without a server a VM is cloned', async () => {
    assert.equal(await runFromCache('two'), true);
    await server.stop('SIGTERM');
    assert.equal((await docker('exec two echo well')).stdout, 'well\n');
    assert.equal((await docker('run --rm busybox echo alone')).stdout, 'alone\n');
    await docker('rm -f two');
    await until('nothing is left', () => leftovers().length === 0, 5000).catch(() => assert.deepEqual(leftovers(), []));
    assert.match((await factory('status')).stdout, /^no VM cache server listens on .*\nvm factory is on\nTEMPLATE {3,}SIZE /);
  });

  it('the next server removes the VMs of a killed server, and ends by Quit', async () => {
    await server.ready(engine);
    const orphans = await pids();
    await server.stop('SIGKILL');
    await server.ready(engine);
    for (const pid of orphans) assert.equal(existsSync(`/proc/${pid}`), false);
    for (const pid of await pids()) process.kill(Number(pid), 'SIGKILL'); // the server makes other VMs meanwhile, and holds the template for them
    let destroyed = await factory('destroy');
    // Containers of other test files load the same template.
    while (destroyed.stderr.includes('is being made or loaded: try again')) destroyed = await factory('destroy');
    const { code, stdout, stderr } = destroyed;
    assert.deepEqual([code, stderr, existsSync(server.endpoint)], [0, '', false]);
    assert.match(stdout, /^(no VM cache server listens on .*\n)?vm factory destroyed\n$/); // the line of a second attempt
    assert.deepEqual(await server.stop(), [0, null]);
  });
});
