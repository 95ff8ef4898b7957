/** QEMU's cgroups: paths in systemd's form, access to devices (the devices cgroup of version 1, a BPF program of version 2), and threads. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { shellQuote } from '../../packages/runtime/src/processes/shell-quote.ts';
import { hostDisk } from '../support/host-disk.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

const disk = hostDisk();

/** Mounts only version 2, with the cgroup of this cell. */
const version2 = 'umount -lR /sys/fs/cgroup; umount -lR /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup || exit';

/** Prints for each operation whether a process in the cgroup $1 is allowed to use it. */
const PROBE = `
try() { name=$1; shift; if "$@" 2>/dev/null; then echo "$name=allowed"; else echo "$name=denied"; fi; }
reads() { (exec 3<"$1"); }
echo $$ >"$1/cgroup.procs" || exit
rm -f node other
try make_node mknod node b ${disk.major} ${disk.minor}
try read_disk reads node
try read_kernel_log reads /dev/kmsg
try read_zero reads /dev/zero
try write_null sh -c 'echo x >/dev/null'
rm -f node
`;
const everything = ['make_node', 'read_disk', 'read_kernel_log', 'read_zero', 'write_null'];

describe('cgroups of QEMU', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** Creates a container, probes in a cgroup of its sandbox, and deletes it; all in a mount namespace that `prepare` changes. @returns what is allowed */
  async function allowed(prepare: string, hierarchy: string, group: string): Promise<string[]> {
    const config = rig.scratch.file('c.toml');
    const script = `
      ${prepare}
      kata() { '${RUNTIME}' --kata-config '${config}' "$@"; }
      kata create --bundle '${rig.scratch.file('bundle')}' ${rig.id} || exit
      top=$(sed -n 's/^[0-9]*:${hierarchy}:\\(.*\\)\\/\\(qemu\\|vcpus\\)$/\\1/p' /proc/$(cat /run/vc/vm/${rig.id}/pid)/cgroup)
      cd '${rig.scratch.file('.')}' && sh -c ${shellQuote(PROBE)} sh "/sys/fs/cgroup${hierarchy === '' ? '' : `/${hierarchy}`}$top${group}"
      kata delete --force ${rig.id}`;
    const { stdout, stderr } = await run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script]);
    const results = [...stdout.matchAll(/(\w+)=(allowed|denied)/g)];
    assert.equal(results.length, everything.length, stdout + stderr);
    return results.flatMap(([, name = '', result]) => (result === 'allowed' ? [name] : []));
  }

  for (const [version, prepare, hierarchy, configuration] of [
    ['version 1', '', 'devices', {}],
    // A machine with both versions has the controller of pids in version 1.
    ['version 2', version2, '', { 'hypervisor.qemu.qemu_pids_cgroup': false }],
  ] as const) {
    it(`${version}: few devices; mknod is allowed, as guests do by 9p`, async () => {
      rig.prepare({ configuration });
      assert.deepEqual(await allowed(prepare, hierarchy, '/qemu'), ['make_node', 'read_zero', 'write_null']);
    });
    it(`${version}: with virtio-fs mknod is denied`, async () => {
      rig.prepare({
        configuration: {
          ...configuration,
          'hypervisor.qemu.shared_fs': 'virtio-fs',
          'hypervisor.qemu.virtio_fs_daemon': rig.executable('virtiofsd', 'exec sleep 1000'),
        },
      });
      assert.deepEqual(await allowed(prepare, hierarchy, '/qemu'), ['read_zero', 'write_null']);
    });
    it(`${version}: the rest of the sandbox may open everything`, async () => {
      rig.prepare({ configuration });
      assert.deepEqual(await allowed(prepare, hierarchy, ''), everything);
    });
  }

  /** The cgroup of the process in a hierarchy of version 1, below the cell's. */
  const cgroupOf = (pid: string, controller: string): string =>
    new RegExp(`^\\d+:(?:.*,)?${controller}(?:,.*)?:(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  const pidIn = (file: string): string => readFileSync(file, 'utf8').trim();

  for (const [engine, slices, prefix, annotations, scope] of [
    ['docker', ['kata.slice', 'kata-test.slice'], 'docker', {}, 'kata_docker'],
    ['CRI-O', ['kata.slice', 'kata-pods.slice', 'kata-pods-podX.slice'], 'crio', { 'io.container.manager': 'cri-o' }, 'crio'],
  ] as const)
    it(`${engine}'s path in systemd's form: QEMU and kata-shim run in the scope inside the slices, which delete removes`, async () => {
      rig.prepare();
      rig.changeSpec((spec) => {
        spec.annotations = annotations;
        spec.linux['cgroupsPath'] = `${slices.at(-1)}:${prefix}:${rig.id}`;
      });
      const [slice, path] = [`/${slices.join('/')}`, `/${slices.join('/')}/${scope}-${rig.id}.scope`];
      const create = ['--systemd-cgroup', 'create', '--bundle', rig.scratch.file('bundle'), '--pid-file', rig.scratch.file('pid'), rig.id];
      const { code, stderr } = await rig.kata(...create);
      assert.equal(code, 0, stderr);
      const [qemu, shim] = [pidIn(`/run/vc/vm/${rig.id}/pid`), pidIn(rig.scratch.file('pid'))];
      for (const controller of ['blkio', 'memory'])
        for (const pid of [qemu, shim]) assert.equal(cgroupOf(pid, controller), path, controller);
      for (const controller of ['devices', 'pids'])
        assert.deepEqual([cgroupOf(qemu, controller), cgroupOf(shim, controller)], [`${path}/qemu`, path], controller);
      await rig.kata('delete', '--force', rig.id);
      assert.deepEqual(
        readdirSync(`/sys/fs/cgroup/memory${slice}`, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
        [],
      );
      for (const controller of ['blkio', 'cpu', 'cpuacct', 'devices', 'memory', 'pids'])
        slices.forEach((_, index) => rmdirSync(`/sys/fs/cgroup/${controller}/${slices.slice(0, slices.length - index).join('/')}`));
    });

  /** @returns how many processes a fork bomb in the sandbox's cgroup of pids gets */
  async function bomb(group: string): Promise<number> {
    rig.prepare();
    const { code, stderr } = await rig.create();
    assert.equal(code, 0, stderr);
    const pid = readFileSync(`/run/vc/vm/${rig.id}/pid`, 'utf8').trim();
    const top = /^\d+:pids:(.*)\/qemu$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const script =
      'my @all; while (@all < 1500) { my $pid = fork // last; $pid or sleep(100), exit; push @all, $pid } kill 9, @all; print scalar @all';
    const started = 'echo $$ >"$1/cgroup.procs" && exec perl -e "$2"';
    const { stdout } = await run('sh', ['-c', started, 'sh', `/sys/fs/cgroup/pids${top}${group}`, script]);
    return Number(stdout);
  }
  it('a fork bomb ends at 1,024 threads', async () => {
    const got = await bomb('/qemu');
    assert.ok(got > 900 && got < 1024, `${got} processes`);
  });
  it('a fork bomb outside of QEMU in the sandbox is not limited', async () => assert.equal(await bomb(''), 1500));

  for (const [controller, what, key] of [
    ['devices', 'devices', 'qemu_device_cgroup'],
    ['pids', 'threads', 'qemu_pids_cgroup'],
  ] as const) {
    const create = (): Promise<Outcome> => {
      const verb = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), 'create', '--bundle', rig.scratch.file('bundle'), rig.id];
      const output = rig.scratch.file('output'); // a pipe would stay open in kata-shim
      const script = `umount -l /sys/fs/cgroup/${controller}; umount -lR /sys/fs/cgroup/unified; "$@" >'${output}' 2>&1; code=$?; cat '${output}'; exit $code`;
      return run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...verb]);
    };
    it(`on a host without the ${controller} controller, the error of create names ${key}`, async () => {
      rig.prepare();
      const { code, stdout } = await create();
      const remedy = `set ${key} = false in [hypervisor.qemu] to run without the limit`;
      assert.deepEqual([code, stdout], [1, `the ${what} of QEMU cannot be limited (the host has no ${controller} cgroup); ${remedy}\n`]);
    });
    it(`without ${key} the same host creates the container`, async () => {
      rig.prepare({ configuration: { [`hypervisor.qemu.${key}`]: false } });
      const { code, stdout } = await create();
      assert.deepEqual([code, stdout], [0, '']);
    });
  }
});
