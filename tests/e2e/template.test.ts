/** VM templates: clones are independent VMs, and containers also start without a usable template. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../support/engine.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome, RunOptions } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';
import { stage, variant } from '../support/staged.ts';

const CLONES = 20;

describe('VM templates', function () {
  this.timeout(300_000);
  let directory = '';
  let templates = '';
  let runtime = '';
  let engine: Engine;

  /** A runtime with its own template directory. */
  const own = (name: string, change: (toml: string) => string = (toml) => toml): string =>
    variant(directory, name, (toml) => change(toml.replace(/^#template_path = .*$/m, `template_path = "${templates}"`)));
  /** Runs in the engine's mount namespace, in which templates are mounted. */
  const factory = (args: string, program = runtime): Promise<Outcome> => engine.inMounts(program, ['factory', ...args.split(' ')]);
  const docker = (args: string, options: RunOptions = {}): Promise<Outcome> => engine.docker(args.split(' '), options);
  const keys = (): string[] => {
    const path = `/proc/${engine.pid}/root${templates}`;
    return existsSync(path) ? readdirSync(path).filter((key) => existsSync(join(path, key, 'state'))) : [];
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-template-'));
    templates = join(directory, 'templates');
    runtime = own('own');
    const kernel = join(directory, 'vmlinuz');
    copyFileSync(join(stage, 'usr/share/kata-containers/vmlinuz.container'), kernel);
    const runtimes = {
      own: runtime,
      larger: own('larger', (toml) => toml.replace(/^default_memory = .*$/m, 'default_memory = 1024')),
      kernel: own('kernel', (toml) => toml.replace(/^kernel = .*$/m, `kernel = "${kernel}"`)),
    };
    engine = await Engine.start(runtimes, 'own');
    assert.equal((await factory('init')).stdout, 'vm factory initialized\n');
  });
  after(async () => {
    assert.equal((await factory('destroy')).stdout, 'vm factory destroyed\n');
    assert.equal(existsSync(templates), false, 'the tmpfs is unmounted and its directory gone');
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  afterEach(async () => {
    const { stdout } = await docker('ps -aq');
    if (stdout !== '') await docker(`rm -f ${stdout.trim().split('\n').join(' ')}`);
  });

  it('factory init can be repeated; status reports the template', async () => {
    assert.deepEqual(await factory('init').then(({ code, stdout, stderr }) => [code, stdout, stderr]), [
      1,
      '',
      `There is already a VM template in ${templates}\n`,
    ]);
    assert.match((await factory('status')).stdout, /^vm factory is on\nTEMPLATE .*\n[0-9a-f]{16} +\d+ MiB +\d+ (s|min) +\d+ +usable\n/);
  });

  it('clones have their own randomness, identity, address and clock', async () => {
    const script = 'head -c 16 /dev/urandom | md5sum; cat /proc/sys/kernel/random/uuid /sys/class/net/eth0/address /etc/hostname';
    const facts = async (name: string): Promise<string[]> => {
      await docker(`run -d --name ${name} busybox sleep 1000`); // both at the same time: otherwise docker reuses the address of the first container
      const { code, stdout, stderr } = await engine.docker(['exec', name, 'sh', '-c', script]);
      assert.equal(code, 0, stderr);
      return stdout.trim().split('\n');
    };
    const [one, two] = [await facts('one'), await facts('two')];
    for (let index = 0; index < 4; index++) assert.notEqual(one[index], two[index]);
    assert.equal(keys().length, 1);
    // A resumed container returns the correct time at once, apart from the delay of the call.
    await docker('run -d --name clock busybox sleep 1000');
    const before = Math.floor(Date.now() / 1000);
    const guest = Number((await docker('exec clock date +%s')).stdout);
    assert.ok(guest >= before - 1 && guest <= Date.now() / 1000 + 1, `guest ${guest}, host from ${before}`);
  });

  it(`${CLONES} at once all work`, async () => {
    const started = await Promise.all(
      Array.from({ length: CLONES }, (_, index) => docker(`run -d --name clone${index} busybox sleep 1000`, { timeoutMs: 240_000 })),
    );
    assert.deepEqual(
      started.filter(({ code }) => code !== 0).map(({ code, stderr }) => [code, stderr]),
      [],
    );
    const answers = await Promise.all(started.map((_, index) => docker(`exec clone${index} hostname`)));
    assert.deepEqual(
      answers.map(({ code, stderr }) => [code, stderr]),
      answers.map(() => [0, '']),
    );
    const hostnames = answers.map(({ stdout }) => stdout.trim());
    assert.deepEqual(
      hostnames,
      started.map(({ stdout }) => stdout.slice(0, 12)),
    );
  });

  it('a VM that was cloned before its network existed is replaced by one with the right devices', async () => {
    assert.equal((await docker('run --rm busybox true')).code, 0); // makes a template with one device
    const links = 'ls /sys/class/net';
    assert.equal((await docker(`run --rm --network none busybox ${links}`)).stdout, 'lo\n');
    assert.equal((await docker('network create second')).code, 0);
    assert.equal((await docker(`create --name both busybox ${links}`)).code, 0);
    assert.equal((await docker('network connect second both')).code, 0);
    assert.equal((await docker('start -a both')).stdout, 'eth0\neth1\nlo\n');
    await docker('rm both');
    assert.equal((await docker('network rm second')).code, 0);
  });

  it('destroy with clones running leaves them running', async () => {
    await docker('run -d --name running busybox sleep 1000');
    assert.equal((await factory('destroy')).code, 0);
    assert.deepEqual(keys(), []);
    assert.equal((await docker('exec running echo well')).stdout, 'well\n');
    assert.match((await factory('status')).stdout, /^vm factory is off\n/);
    assert.equal((await docker('run --rm busybox echo again')).stdout, 'again\n');
    assert.equal(keys().length, 1, 'that made a new one');
  });

  it('another configuration gets another template', async () => {
    assert.equal((await docker('run --rm --runtime larger busybox true')).code, 0);
    assert.equal(keys().length, 2);
  });

  it('a changed kernel needs a new template, and the old one is removed', async () => {
    const others = keys();
    const made = (): string[] => keys().filter((key) => !others.includes(key));
    assert.equal((await docker('run --rm --runtime kernel busybox true')).stderr, '');
    const [first, ...rest] = made();
    assert.deepEqual(rest, []);
    utimesSync(join(directory, 'vmlinuz'), 1, 1);
    assert.equal((await docker('run --rm --runtime kernel busybox true')).stderr, '');
    assert.equal(made().length, 1);
    assert.notEqual(made()[0], first);
  });

  for (const milliseconds of [300, 1500, 5000, 8000]) {
    it(`containers start after a maker was killed after ${milliseconds} ms`, async () => {
      await factory('destroy');
      const maker = spawn('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, runtime, 'factory', 'init'], { stdio: 'ignore' });
      const ended = once(maker, 'exit');
      await sleep(milliseconds);
      maker.kill('SIGKILL');
      await ended;
      const { code, stdout, stderr } = await docker('run --rm busybox echo well');
      assert.deepEqual([code, stdout], [0, 'well\n'], stderr);
      await until('nothing is left of the maker', () => leftovers().length === 0, 5000).catch(() => assert.deepEqual(leftovers(), []));
    });
  }

  it('without space there is a clear error, and VMs are booted', async () => {
    const full = join(directory, 'full');
    mkdirSync(full);
    assert.equal((await run('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', full])).code, 0);
    const program = variant(directory, 'full-tmpfs', (toml) => toml.replace(/^#template_path = .*$/m, `template_path = "${full}"`));
    const other = await Engine.start({ full: program }, 'full').catch(async (error: unknown) => {
      await run('umount', [full]);
      throw error;
    });
    try {
      const { code, stderr } = await other.inMounts(program, ['factory', 'init']);
      assert.equal(code, 1);
      assert.match(stderr, /full has no space for a VM template: \d+ of 448 MiB are free/);
      assert.equal((await other.docker(['run', '--rm', 'busybox', 'echo', 'well'])).stdout, 'well\n');
      assert.deepEqual(readdirSync(full), ['seccomp.json']); // the profile of the last container (vm-templates.md)
    } finally {
      await other.stop();
      await run('umount', [full]);
    }
  });

  it('enable_template = false makes no template', async () => {
    const off = own('off', (toml) => toml.replace('enable_template = true', 'enable_template = false'));
    assert.match((await factory('status', off)).stdout, /^vm factory not enabled\n/);
    assert.match((await factory('init', off)).stderr, /^vm factory or VMCache is not enabled: set enable_template = true or /);
    assert.match(readFileSync(join(directory, 'off.toml'), 'utf8'), /^enable_template = false$/m);
  });
});
