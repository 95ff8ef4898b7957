/** A share that a fake virtiofsd serves: its start, its end and its failures. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isAlive } from '../../packages/common/src/process/process-identity.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RuntimeRig, fake } from './runtime-rig.ts';

describe('kata-runtime and virtio-fs', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** In its own mount namespace, like the real virtiofsd. */
  const daemon = (mode: string): string =>
    rig.executable(
      'virtiofsd',
      `exec unshare --mount --propagation slave ${fake('virtiofsd.ts')} ${mode} ${rig.scratch.file('args')} "$@"`,
    );
  const prepare = (path: string, more: Record<string, string | number | string[]> = {}): void => {
    const keys = { 'hypervisor.qemu.shared_fs': 'virtio-fs', 'hypervisor.qemu.virtio_fs_daemon': path, ...more };
    rig.prepare({ configuration: keys });
  };
  const state = (): SandboxState => JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;

  it('virtiofsd starts with the share and ends with the sandbox', async () => {
    prepare(daemon('good'), { 'hypervisor.qemu.virtio_fs_extra_args': ['-o', 'xattr'] });
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, stderr], [0, '']);
    const shared = `/run/kata-containers/shared/sandboxes/${rig.id}/shared`;
    assert.equal(readFileSync(rig.scratch.file('args'), 'utf8'), `--fd=3 -o source=${shared} -o cache=auto -o no_posix_lock -f -o xattr`);
    const { HypervisorState } = state();
    const { Virtiofsd: identity, Memory } = HypervisorState;
    assert.ok(identity && isAlive(identity));
    assert.deepEqual(Memory, { directory: '/dev/shm', shared: true, preallocated: false });
    const args = readFileSync(`/proc/${HypervisorState.Process.pid}/cmdline`, 'latin1');
    assert.match(
      args,
      new RegExp(`-chardev\0socket,id=char-[0-9a-f]{16},path=/run/vc/vm/${rig.id}/vhost-fs.sock\0-device\0vhost-user-fs-pci,`),
    );
    const { storages } = rig.lastRequest('createSandbox') as { storages: object[] };
    assert.deepEqual(storages[0], {
      driver: 'virtio-fs',
      driver_options: [],
      source: 'kataShared',
      fstype: 'virtiofs',
      options: [],
      mount_point: '/run/kata-containers/shared/containers/',
    });
    assert.match(
      rig.qmp().find((line) => line.startsWith('object-add')) ?? '',
      /"memory-backend-file",.*"mem-path":"\/dev\/shm","share":true/,
    );
    assert.equal((await rig.kata('delete', '--force', rig.id)).code, 0);
    assert.ok(!isAlive(identity));
  });

  it('a read-only volume is read-only in the mount namespace of virtiofsd too', async () => {
    prepare(daemon('good'));
    assert.equal((await rig.create()).stderr, '');
    const pid = state().HypervisorState.Virtiofsd?.pid ?? 0;
    await until('the daemon is in its namespace', async () => (await run('readlink', [`/proc/${pid}/exe`])).stdout.includes('node'));
    const inside = (script: string): ReturnType<typeof run> => {
      const shared = `/run/kata-containers/shared/sandboxes/${rig.id}/shared`;
      return run('nsenter', [`--mount=/proc/${pid}/ns/mnt`, 'sh', '-c', `cd ${shared} && ${script}`]);
    };
    assert.equal((await inside('cat */volume/kept')).stdout, 'data');
    const { code, stderr } = await inside('echo other >$(echo */volume)/kept');
    assert.notEqual(code, 0);
    assert.match(stderr, /Read-only file system/);
  });

  it('without virtiofsd the error of create names the program, and nothing is left behind', async () => {
    prepare('/nowhere/virtiofsd');
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^shared_fs is virtio-fs, but virtiofsd does not exist at \/nowhere\/virtiofsd, the path in virtio_fs_daemon: install it/,
    );
    assert.deepEqual(leftovers(), []);
  });

  it('if virtiofsd does not start, the error has its last lines, and nothing is left behind', async () => {
    prepare(daemon('dies'));
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(stderr, /virtiofsd \(.*\) ended \(exit code 1\).*unknown option/);
    assert.deepEqual(leftovers(), []);
  });
});
