/** Calls to QEMU and to the guest for containers with limits, and the failure of each step. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Outcome } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';
import { RuntimeRig } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';

const MIB = 1 << 20;
const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
const SILENT = { code: 0, stdout: '', stderr: '' };

describe('kata-runtime and the limits of containers', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;

  function prepare(resources: object, modes?: Modes): void {
    rig.prepare(modes);
    rig.changeSpec((spec) => (spec.linux['resources'] = resources));
  }
  const cpu = (socket: number, number: number): string =>
    `device_add ${JSON.stringify({ driver: 'max-x86_64-cpu', id: `cpu-${number}`, 'socket-id': socket, 'core-id': 0, 'thread-id': 0 })}`;
  const memory = (slot: number, mebibytes: number): string[] => [
    `object-add ${JSON.stringify({ 'qom-type': 'memory-backend-ram', id: `mem${slot}`, size: mebibytes * MIB })}`,
    `device_add ${JSON.stringify({ driver: 'pc-dimm', id: `dimmmem${slot}`, memdev: `mem${slot}` })}`,
  ];
  const cgroup = (file: string): string => `/sys/fs/cgroup/cpu/kata_${rig.id}/${file}`;
  const both = { cpu: { quota: 150_000, period: 100_000 }, memory: { limit: 200 * MIB } };

  const kvm: Modes = { configuration: { 'hypervisor.qemu.accelerator': 'kvm' } };

  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  it("create plugs vCPUs and memory in QEMU's order after CreateContainer, and calls OnlineCPUMem", async () => {
    prepare(both);
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.deepEqual(rig.qmp(), [...memory(0, 256), cpu(3, 0), cpu(2, 1)]);
    const names = rig.calls().map((line) => line.split(' ')[0]);
    assert.deepEqual(names, ['check', 'createSandbox', 'createContainer', 'getGuestDetails', 'onlineCPUMem']);
    assert.deepEqual(rig.lastRequest('onlineCPUMem'), { wait: true, nb_cpus: 2, cpu_only: false });
    assert.equal(readFileSync(cgroup('vcpus/cpu.cfs_quota_us'), 'latin1'), '150000\n');
  });

  it('limits of block I/O apply to QEMU; a limit that cannot be enforced is refused', async () => {
    const [major, minor] = readFileSync('/sys/class/block/loop0/dev', 'latin1').trim().split(':').map(Number);
    prepare({
      blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 1_000_000 }], throttleWriteIOPSDevice: [{ major, minor, rate: 50 }] },
    });
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const read = (file: string): string => readFileSync(`/sys/fs/cgroup/blkio/kata_${rig.id}/blkio.throttle.${file}`, 'latin1');
    assert.deepEqual([read('read_bps_device'), read('write_iops_device')], [`${major}:${minor} 1000000\n`, `${major}:${minor} 50\n`]);
    await rig.kata('delete', '-f', rig.id);
    prepare({ blockIO: { throttleReadBpsDevice: [{ major: 4095, minor: 9, rate: 1 }] } });
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(stderr, /linux\.resources\.blockIO: the host refused the limit/);
  });

  it('without limits neither QEMU nor the guest is called', async () => {
    prepare({ memory: { limit: -1 }, cpu: { shares: 512 } });
    await rig.create();
    assert.deepEqual(rig.qmp(), []);
    assert.equal(existsSync(cgroup('vcpus')), false);
  });

  it('OnlineCPUMem reports that only CPUs were added', async () => {
    prepare({ cpu: { cpus: '0' } });
    await rig.create();
    assert.deepEqual([rig.qmp(), rig.lastRequest('onlineCPUMem')], [[cpu(3, 0)], { wait: true, nb_cpus: 1, cpu_only: true }]);
  });

  it('update plugs CPUs, and unplugs those that were plugged last', async () => {
    prepare(both, kvm);
    await rig.create();
    const before = rig.qmp().length;
    assert.deepEqual(quiet(await rig.kata('update', '--cpu-quota', '50000', '--memory', '300m', rig.id)), SILENT);
    assert.deepEqual(rig.qmp().slice(before), [...memory(1, 128), 'device_del {"id":"cpu-1"}']);
    assert.equal(readFileSync(cgroup('vcpus/cpu.cfs_quota_us'), 'latin1'), '50000\n');
    writeFileSync(rig.scratch.file('r.json'), '{"cpu":{"quota":-1},"memory":{"limit":1048576}}');
    assert.deepEqual(quiet(await rig.kata('update', '-r', rig.scratch.file('r.json'), rig.id)), SILENT);
    assert.deepEqual(rig.qmp().slice(before + 3), ['device_del {"id":"cpu-0"}']);
    assert.equal(readFileSync(cgroup('vcpus/cpu.cfs_quota_us'), 'latin1'), '-1\n');
  });

  it('an emulated VM keeps its vCPUs: QEMU would crash later', async () => {
    prepare(both);
    await rig.create();
    const before = rig.qmp().length;
    assert.deepEqual(quiet(await rig.kata('update', '--cpu-quota', '50000', rig.id)), SILENT);
    assert.deepEqual(rig.qmp().slice(before), []);
    assert.equal(readFileSync(cgroup('vcpus/cpu.cfs_quota_us'), 'latin1'), '50000\n');
  });

  it('an update of other limits sends nothing to QEMU', async () => {
    prepare({});
    await rig.create();
    assert.deepEqual(quiet(await rig.kata('update', '--pids-limit', '9', rig.id)), SILENT);
    assert.deepEqual([rig.qmp(), (rig.lastRequest('updateContainer') as { container_id: string }).container_id], [[], rig.id]);
  });

  it('a request for more CPUs than the maximum plugs the maximum, with a warning', async () => {
    prepare({ cpu: { quota: 900_000, period: 100_000 } });
    const log = rig.scratch.file('log');
    const { code } = await rig.kata('--log', log, 'create', '--bundle', rig.scratch.file('bundle'), rig.id);
    assert.deepEqual([code, rig.qmp().length], [0, 3]);
    assert.match(readFileSync(log, 'utf8'), /msg="fewer vCPUs are possible than requested" .*asked=10 .*maximum=4 /);
  });

  it("a pod's container adds its limits to the VM, and its CPUs are unplugged when it is deleted", async () => {
    prepare(both, kvm);
    await rig.create();
    const [pod, member, bundle] = [rig.id, `${rig.id}-member`, rig.scratch.file('member')];
    mkdirSync(`${bundle}/rootfs`, { recursive: true });
    rig.changeSpec((spec) => {
      spec.annotations = { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': pod };
      spec.linux['cgroupsPath'] = `/${member}`;
      spec.linux['resources'] = { cpu: { quota: 50_000, period: 100_000 } };
    });
    writeFileSync(`${bundle}/config.json`, readFileSync(rig.scratch.file('bundle/config.json')));
    const before = rig.qmp().length;
    assert.deepEqual(quiet(await rig.kata('create', '--bundle', bundle, member)), SILENT);
    assert.deepEqual(rig.qmp().slice(before), []); // 1.5 and 0.5 need the two existing vCPUs
    assert.deepEqual(quiet(await rig.kata('update', '--cpu-quota', '100000', member)), SILENT);
    assert.deepEqual(rig.qmp().slice(before), [cpu(1, 2)]);
    assert.deepEqual(quiet(await rig.kata('delete', '--force', member)), SILENT);
    assert.deepEqual(rig.qmp().slice(before + 1), ['device_del {"id":"cpu-2"}']);
    assert.equal(await rig.status(), 'created');
  });

  const failures: [name: string, resources: object, modes: Modes, reason: RegExp][] = [
    ['QEMU refuses the memory backend', both, { qemu: 'object-add' }, /QEMU says no/],
    ['QEMU refuses the memory device', { memory: { limit: MIB } }, { qemu: 'device_add' }, /QEMU says no/],
    ['QEMU does not list its CPUs', both, { qemu: 'query-hotpluggable-cpus' }, /QEMU says no/],
    ['QEMU does not list its threads', both, { qemu: 'query-cpus-fast' }, /QEMU says no/],
    ['the guest does not return its block size', both, { refuses: 'getGuestDetails' }, /^the guest says no$/m],
    ['the host has too little memory', { memory: { limit: 2 ** 50 } }, {}, /Unable to hotplug 1073741824 MiB memory, the SB has 2048 MiB/],
  ];
  for (const [name, resources, modes, reason] of failures) {
    it(`${name}: create fails with this error, and nothing is left behind`, async () => {
      prepare(resources, modes);
      const { code, stdout, stderr } = await rig.create();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, reason);
      assert.deepEqual(leftovers(), []);
    });
  }

  it('a failed update does not change the saved limits', async () => {
    prepare(both, { refuses: 'updateContainer' });
    await rig.create();
    const record = `/run/vc/sbs/${rig.id}/${rig.id}/persist.json`;
    const before = readFileSync(record, 'utf8');
    assert.equal((await rig.kata('update', '--memory', '400m', rig.id)).stderr, 'the guest says no\n');
    assert.equal(readFileSync(record, 'utf8'), before);
  });

  it('the seccomp profile is sent to the guest if the configuration enables it', async () => {
    for (const disabled of [true, false]) {
      rig.prepare();
      const file = rig.scratch.file('c.toml');
      const toml = readFileSync(file, 'utf8');
      writeFileSync(file, toml.replace(/^#?disable_guest_seccomp ?= ?.*$/m, `disable_guest_seccomp = ${disabled}`));
      rig.changeSpec((spec) => (spec.linux['seccomp'] = { defaultAction: 'SCMP_ACT_ALLOW' }));
      await rig.create();
      const { Linux } = (rig.lastRequest('createContainer') as { OCI: { Linux: { Seccomp?: { DefaultAction: string } } } }).OCI;
      assert.equal(Linux.Seccomp?.DefaultAction, disabled ? undefined : 'SCMP_ACT_ALLOW');
      await rig.kata('delete', '--force', rig.id);
      rmSync(rig.scratch.file('volume'), { recursive: true });
    }
  });

  const tolerated: [name: string, resources: object, modes: Modes][] = [
    ['a guest that does not bring hot-plugged resources online', both, { refuses: 'onlineCPUMem' }],
    ['a QEMU that refuses a vCPU', { cpu: { quota: 100_000 } }, { qemu: 'device_add' }],
  ];
  for (const [name, resources, modes] of tolerated)
    it(`${name} is a warning`, async () => {
      prepare(resources, modes);
      assert.deepEqual(quiet(await rig.create()), SILENT);
    });
});
