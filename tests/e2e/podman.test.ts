/** podman, which calls the runtime through conmon: without a daemon, with directories of the test's own. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxRootfs } from '../support/busybox-image.ts';
import { leftovers } from '../support/leftovers.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome, RunOptions } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { hasTemplates, removeTemplates } from '../support/templates.ts';

describe('podman', function () {
  this.timeout(120_000);
  let directory: string;
  let hadTemplates: boolean;
  const podman = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
    const own = ['root', 'runroot', 'tmpdir', 'network-config-dir'].flatMap((name) => [`--${name}`, join(directory, name)]);
    const global = ['--runtime', kataRuntime, '--cgroup-manager', 'cgroupfs', '--storage-driver', 'vfs', '--events-backend', 'none'];
    return run('podman', [...own, ...global, ...args], options, { ...process.env, NETAVARK_FW: 'iptables' });
  };
  const kata = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
    podman(['run', '--network', 'none', ...args], options);

  before(async () => {
    assert.deepEqual(leftovers(), [], 'the machine is clean before');
    hadTemplates = hasTemplates(process.pid);
    directory = mkdtempSync(join(tmpdir(), 'kata-podman-'));
    for (const name of ['root', 'runroot', 'tmpdir']) mkdirSync(join(directory, name));
    await busyboxRootfs(directory, join(directory, 'busybox.tar'));
    const { code, stderr } = await podman(['import', join(directory, 'busybox.tar'), 'localhost/busybox']);
    assert.equal(code, 0, stderr);
  });
  after(async () => {
    await podman(['rm', '--all', '--force', '--time', '0']);
    if (!hadTemplates) await removeTemplates(process.pid); // without an engine in its own mount namespace
    assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
    rmSync(directory, { recursive: true, force: true });
  });

  it('run returns output and exit code, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await kata(['--rm', 'localhost/busybox', 'sh', '-c', 'uname -r; exit 7']);
    assert.equal(code, 7, stderr);
    assert.match(stdout, /\.container\n$/);
    assert.deepEqual(leftovers(), []);
  });

  it('run -i reads stdin', async () => {
    const { code, stdout, stderr } = await kata(['--rm', '-i', 'localhost/busybox', 'cat'], { input: 'to and fro\n' });
    assert.deepEqual([code, stdout], [0, 'to and fro\n'], stderr);
  });

  it('--device attaches the disk', async () => {
    const loops = new LoopDevices();
    const disk = await loops.attach(join(directory, 'disk.img'), 4);
    try {
      const { code, stderr } = await kata([
        '--rm',
        '--device',
        `${disk}:/dev/disk`,
        'localhost/busybox',
        'sh',
        '-c',
        'echo pod >/dev/disk',
      ]);
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(disk, 'latin1').split('\n')[0], 'pod');
    } finally {
      await loops.close();
    }
  });

  it('--umask applies to the first process and to an exec', async () => {
    const script = 'umask; touch /a; stat -c %a /a; sleep 1000';
    const started = await kata(['-d', '--name', 'masked', '--umask', '0077', 'localhost/busybox', 'sh', '-c', script]);
    assert.equal(started.code, 0, started.stderr);
    await until('the first process has printed', async () => (await podman(['logs', 'masked'])).stdout === '0077\n600\n');
    const id = started.stdout.trim(); // podman exec names no umask, so that it is 0022
    assert.equal((await run(kataRuntime, ['exec', id, 'sh', '-c', 'umask'])).stdout, '0077\n');
    assert.equal((await podman(['rm', '--force', '--time', '0', 'masked'])).code, 0);
  });

  it('a mount below a read-only volume is writable', async () => {
    const volume = join(directory, 'volume');
    mkdirSync(join(volume, 'inner'), { recursive: true });
    await good(run('mount', ['-t', 'tmpfs', 'none', join(volume, 'inner')]));
    try {
      const script = 'touch /v/file 2>/dev/null || echo read-only; echo written >/v/inner/file && cat /v/inner/file';
      const { code, stdout, stderr } = await kata(['--rm', '-v', `${volume}:/v:ro`, 'localhost/busybox', 'sh', '-c', script]);
      assert.deepEqual([code, stdout], [0, 'read-only\nwritten\n'], stderr);
      assert.equal(readFileSync(join(volume, 'inner/file'), 'utf8'), 'written\n');
    } finally {
      await good(run('umount', [join(volume, 'inner')]));
    }
  });

  it('exec, logs, stop and rm', async () => {
    const started = await kata(['-d', '--name', 'long', 'localhost/busybox', 'sh', '-c', 'echo begun; sleep 1000']);
    assert.equal(started.code, 0, started.stderr);
    const executed = await podman(['exec', 'long', 'sh', '-c', 'echo inside; exit 3']);
    assert.deepEqual([executed.code, executed.stdout], [3, 'inside\n'], executed.stderr);
    assert.equal((await podman(['logs', 'long'])).stdout, 'begun\n');
    const stopped = await podman(['stop', '--time', '1', 'long']);
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.match((await podman(['ps', '-a', '--format', '{{.Names}} {{.Status}}'])).stdout, /long Exited/);
    assert.equal((await podman(['rm', 'long'])).code, 0);
    assert.deepEqual(leftovers(), []);
  });

  for (const infra of [true, false])
    it(`a pod of two containers, ${infra ? 'which share a VM' : 'which only share a name'}`, async () => {
      const args = infra ? ['--infra-image', 'localhost/busybox', '--infra-command', '/bin/sleep 1000'] : ['--infra=false'];
      const good = async (...more: string[]): Promise<string> => {
        const { code, stdout, stderr } = await podman(more);
        assert.equal(code, 0, stderr);
        return stdout.trim();
      };
      const network = ['--network', 'none'];
      await good('pod', 'create', '--name', 'pod', ...(infra ? network : []), ...args);
      const container = [...(infra ? [] : network), '--pod', 'pod'];
      await good('run', '-d', '--name', 'one', ...container, 'localhost/busybox', 'sh', '-c', 'touch /dev/shm/one; sleep 1000');
      await until('the first has begun', async () => (await podman(['exec', 'one', 'ls', '/dev/shm/one'])).code === 0);
      const boot = await good('exec', 'one', 'cat', '/proc/sys/kernel/random/boot_id');
      const other = await good('run', '--rm', ...container, 'localhost/busybox', 'cat', '/proc/sys/kernel/random/boot_id');
      assert.equal(boot === other, infra);
      await good('pod', 'rm', '--force', '--time', '0', 'pod');
      assert.deepEqual(leftovers(), []);
    });

  it('inspect reports that a container was OOM-killed', async () => {
    const hog = ['-m', '32m', '--memory-swap', '32m', 'localhost/busybox', 'sh', '-c', 'x=a; while :; do x=$x$x; done'];
    assert.equal((await kata(['--name', 'hog', ...hog])).code, 137);
    const { stdout } = await podman(['inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hog']);
    assert.equal(stdout, 'true 137\n');
    assert.equal((await podman(['rm', 'hog'])).code, 0);
  });

  it("podman's networks: aardvark-dns resolves names, --network container: shares the VM", async () => {
    const good = async (...more: string[]): Promise<string> => {
      const { code, stdout, stderr } = await podman(more);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    const inside = (network: string, ...command: string[]): Promise<string> =>
      good('run', '--rm', '--network', network, 'localhost/busybox', ...command);
    await good('network', 'create', '--subnet', '10.98.7.0/24', 'names');
    try {
      await good('run', '-d', '--name', 'web', '--network', 'names', '--ip', '10.98.7.10', 'localhost/busybox', 'sleep', '1000');
      assert.match(await inside('names', 'nslookup', '-type=a', 'web'), /^Address: 10\.98\.7\.10$/m);
      const boot = ['cat', '/proc/sys/kernel/random/boot_id'];
      assert.equal(
        await inside('container:web', 'ip', 'address', 'show', 'eth0'),
        await good('exec', 'web', 'ip', 'address', 'show', 'eth0'),
      );
      assert.equal(await inside('container:web', ...boot), await good('exec', 'web', ...boot));
      assert.match(await inside('container:web', 'nslookup', '-type=a', 'web'), /^Address: 10\.98\.7\.10$/m);
    } finally {
      await podman(['rm', '--force', '--time', '0', 'web']);
      await good('network', 'rm', 'names');
    }
    assert.deepEqual(leftovers(), []);
  });

  it('network connect and disconnect: the routes are those of a container of runc', async () => {
    const good = async (...more: string[]): Promise<string> => {
      const { code, stdout, stderr } = await podman(more);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    const networks = ['near', 'far'];
    for (const [index, name] of networks.entries()) await good('network', 'create', '--subnet', `10.98.${index + 8}.0/24`, name);
    const routes = async (name: string): Promise<string> =>
      (await good('exec', name, 'ip', 'route')).replace(/ src \S+/g, '').replace(/ +$/gm, '');
    try {
      await good('run', '-d', '--name', 'vm', '--network', 'near', 'localhost/busybox', 'sleep', '1000');
      await good('--runtime', 'runc', 'run', '-d', '--name', 'plain', '--network', 'near', 'localhost/busybox', 'sleep', '1000');
      for (const verb of ['connect', 'disconnect']) {
        for (const name of ['vm', 'plain']) await good('network', verb, 'far', name);
        const wanted = await routes('plain');
        await until(`after ${verb} the routes are ${wanted}`, async () => (await routes('vm')) === wanted, 10_000);
      }
    } finally {
      await podman(['rm', '--force', '--time', '0', 'vm', 'plain']);
      for (const name of networks) await podman(['network', 'rm', name]);
    }
    assert.deepEqual(leftovers(), []);
  });

  it('rm -f of a running container', async () => {
    assert.equal((await kata(['-d', '--name', 'busy', 'localhost/busybox', 'sleep', '1000'])).code, 0);
    const { code, stderr } = await podman(['rm', '--force', '--time', '0', 'busy']);
    assert.equal(code, 0, stderr);
    assert.deepEqual(leftovers(), []);
  });
});
