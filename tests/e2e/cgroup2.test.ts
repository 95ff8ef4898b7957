/**
 * A host that has only cgroup version 2. Where the machine has its controllers in version 1, this hierarchy has none: then docker sets no
 * limits on the host, and QEMU's threads cannot be limited.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime, variant } from '../support/staged.ts';

/** Mounts only version 2, with the cgroup of this cell. */
const prepare = 'umount -lR /sys/fs/cgroup; umount -lR /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup';

describe('docker on a host with cgroup version 2 only', function () {
  this.timeout(180_000);
  let engine: Engine;
  let hasPids = false;
  onCleanMachine(async () => {
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime', prepare);
    const controllers = await good(engine.inMounts('cat', ['/sys/fs/cgroup/cgroup.controllers']));
    hasPids = controllers.split(/\s/).includes('pids');
    return engine;
  });
  afterEach(() => engine.removeAll());

  /** Directories of the containers' cgroups. */
  const groups = async (): Promise<string[]> =>
    (await good(engine.inMounts('find', ['/sys/fs/cgroup', '-name', 'kata_*']))).split('\n').filter(Boolean);

  it('docker uses version 2', async () => assert.equal(await good(engine.docker(['info', '--format', '{{.CgroupVersion}}'])), '2\n'));

  it('without a pids controller the error names qemu_pids_cgroup, and no cgroup is left', async function () {
    if (hasPids) return this.skip();
    const { code, stderr } = await engine.docker(['run', '--rm', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /the threads of QEMU cannot be limited \(the host has no pids cgroup\); set qemu_pids_cgroup = false in /);
    assert.deepEqual(await groups(), []);
  });

  it('run, exec, stats, stop and rm; QEMU and kata-shim are in the cgroup of the container', async () => {
    if (!hasPids) {
      const path = variant(engine.directory, 'unlimited', (toml) => toml.replace(/^#qemu_pids_cgroup = .*$/m, 'qemu_pids_cgroup = false'));
      await engine.restart('--add-runtime', `unlimited=${path}`);
    }
    const runtime = hasPids ? 'kata-runtime' : 'unlimited';
    const id = (await good(engine.docker(['run', '-d', '--runtime', runtime, 'busybox', 'sleep', '1000']))).trim();
    const isSystemd = (await good(engine.docker(['info', '--format', '{{.CgroupDriver}}']))).trim() === 'systemd'; // docker's default there
    const group = isSystemd ? `/system.slice/kata_docker-${id}.scope` : `/docker/kata_${id}`;
    const qemu = readFileSync(`/run/vc/vm/${id}/pid`, 'utf8').trim();
    const shim = (await good(engine.docker(['inspect', '-f', '{{.State.Pid}}', id]))).trim();
    for (const pid of [qemu, shim]) assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::${group}(/|$)`, 'm'));
    assert.equal(await good(engine.docker(['exec', id, 'echo', 'hello'])), 'hello\n');
    const stats = await good(engine.docker(['stats', '--no-stream', '--format', '{{.ID}} {{.PIDs}}', id]));
    assert.match(stats, hasPids ? new RegExp(`^${id.slice(0, 12)} [1-9]`) : new RegExp(`^${id.slice(0, 12)} 0$`, 'm'));
    await good(engine.docker(['stop', '--time', '1', id]));
    assert.equal(await good(engine.docker(['inspect', '-f', '{{.State.ExitCode}}', id])), '137\n');
    await good(engine.docker(['rm', id]));
    assert.deepEqual(await groups(), []);
  });
});
