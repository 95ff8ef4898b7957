/** Containers whose share is served by the real virtiofsd. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf } from '../../packages/runtime/src/processes/process-use.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { Engine } from '../support/engine.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { variant } from '../support/staged.ts';

describe('virtio-fs', function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-virtio-fs-'));
    const withKeys = (name: string, ...keys: string[]): string =>
      variant(directory, name, (toml) =>
        toml.replace(/^shared_fs = .*$/m, ['shared_fs = "virtio-fs"', ...keys].join('\n')).replace(/^(default_memory = ).*$/m, '$1512'),
      );
    const runtimes = {
      'virtio-fs': withKeys('virtio-fs'),
      missing: withKeys('missing', 'virtio_fs_daemon = "/nowhere/virtiofsd"'),
    };
    return (engine = await Engine.start(runtimes, 'virtio-fs'));
  });
  before(async () => {
    mkdirSync(join(directory, 'volume'));
    writeFileSync(join(directory, 'volume/kept'), 'from the host');
  });
  after(() => rmSync(directory, { recursive: true }));
  afterEach(async () => {
    await engine.removeAll();
    assert.deepEqual(leftovers(), []);
  });

  const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
  const volume = (mode = 'rw'): string[] => ['-v', `${join(directory, 'volume')}:/v:${mode}`];
  /** A running container, and the pids of its virtiofsd and its QEMU. */
  async function start(...args: string[]): Promise<{ id: string; daemon: number; qemu: number }> {
    const id = (await docker('run', '-d', ...args, 'busybox', 'sleep', '1000')).trim();
    const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as SandboxState;
    return { id, daemon: HypervisorState.Virtiofsd?.pid ?? 0, qemu: HypervisorState.Process.pid };
  }

  it('root file system and volumes are readable and writable, and virtiofsd ends with the container', async () => {
    const { id, daemon } = await start(...volume());
    const inside = (script: string): Promise<string> => docker('exec', id, 'sh', '-c', script);
    const mounts = await inside('cat /proc/mounts');
    assert.match(mounts, /^kataShared \/ virtiofs /m);
    assert.match(mounts, /^kataShared \/v virtiofs /m);
    assert.equal(await inside('cat /v/kept'), 'from the host');
    await inside('echo from the guest >/v/new; dd if=/dev/urandom of=/v/large bs=1M count=20 2>/dev/null; sync');
    assert.equal(readFileSync(join(directory, 'volume/new'), 'utf8'), 'from the guest\n');
    const onHost = (await good(run('sha256sum', [join(directory, 'volume/large')]))).split(' ')[0];
    assert.equal((await inside('sha256sum /v/large')).split(' ')[0], onHost);
    assert.match(readFileSync(`/proc/${daemon}/cmdline`, 'latin1'), /virtiofsd\0--fd=3\0/);
    assert.match(readFileSync(`/proc/${daemon}/cgroup`, 'latin1'), new RegExp(id));
    const [served = 0] = childrenOf(daemon);
    await docker('rm', '-f', id);
    assert.deepEqual([existsSync(`/proc/${daemon}`), existsSync(`/proc/${served}`)], [false, false]);
    assert.equal(readFileSync(join(directory, 'volume/kept'), 'utf8'), 'from the host');
  });

  it('QEMU is not root and sees no file of the host; virtiofsd is confined as documented', async () => {
    const { id, daemon, qemu } = await start(...volume());
    const field = (pid: number, name: string): string | undefined =>
      new RegExp(`^${name}:[\\t ]*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const user = Number(field(qemu, 'Uid')?.split('\t')[0]);
    assert.ok(user >= 0x71000000, `user ${user}`);
    const none = '0000000000000000';
    const names = ['CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Groups'];
    assert.deepEqual(
      names.map((name) => field(qemu, name)),
      [none, none, none, none, '1', '2', ''],
    );
    assert.deepEqual(readdirSync(`/proc/${qemu}/root/dev/shm`), [], "not the host's shared memory");
    const [served = 0] = childrenOf(daemon);
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, MKNOD, SETFCAP (docs/tools/virtiofsd.rst of QEMU 7.2)
    assert.deepEqual(
      [field(served, 'CapPrm'), field(served, 'CapEff'), field(served, 'Seccomp')],
      ['00000000880000db', '00000000880000db', '2'],
    );
    const namespaceOf = (pid: number | 'self', name: string): string => readlinkSync(`/proc/${pid}/ns/${name}`);
    assert.deepEqual(
      ['mnt', 'pid', 'net'].filter((name) => namespaceOf(served, name) === namespaceOf('self', name)),
      [],
    );
    await docker('rm', '-f', id);
  });

  it('a read-only volume is read-only for the guest', async () => {
    const { id, daemon } = await start(...volume('ro'));
    assert.notEqual((await engine.docker(['exec', id, 'sh', '-c', 'echo >/v/kept'])).code, 0);
    const [served = 0] = childrenOf(daemon);
    // Mount point and options (proc_pid_mountinfo(5)), as the daemon sees them.
    const rows = readFileSync(`/proc/${served}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' ').slice(4, 6));
    const [, options = ''] = rows.find(([point = '']) => point.endsWith('/volume')) ?? [];
    assert.match(options, /^ro,/, rows.join('\n'));
    await docker('rm', '-f', id);
  });

  it('a container can have more memory than its VM had at the start', async () => {
    const out = await docker('run', '--rm', '-m', '300m', ...volume(), 'busybox', 'sh', '-c', 'free -m | grep Mem; cat /v/kept');
    assert.match(out, /from the host$/);
    assert.ok(Number(/Mem:\s+(\d+)/.exec(out)?.[1]) > 600, out);
  });

  it('the container ends when virtiofsd is killed, and rm -f cleans up', async () => {
    const { id, daemon } = await start(...volume());
    process.kill(daemon, 'SIGKILL');
    await until('the container ends', async () => (await docker('inspect', '-f', '{{.State.Status}}', id)).trim() === 'exited');
    assert.equal((await docker('inspect', '-f', '{{.State.ExitCode}}', id)).trim(), '255');
    await docker('rm', '-f', id);
  });

  it('docker reports a missing virtiofsd', async () => {
    const { code, stderr } = await engine.docker(['run', '--rm', '--runtime', 'missing', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /shared_fs is virtio-fs, but virtiofsd does not exist at \/nowhere\/virtiofsd/);
  });
});
