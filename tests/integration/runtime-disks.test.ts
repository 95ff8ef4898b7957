/** Block devices of the host: kata-runtime's calls to QEMU and to the guest, with a failure of each step. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { leftovers } from '../support/leftovers.ts';
import { numbersOf } from '../support/loop-devices.ts';
import { DiskRig, SILENT, back, front, quiet, withDevice } from './disk-rig.ts';
import type { Modes } from './runtime-rig.ts';

describe('kata-runtime and block devices of the host', function () {
  this.timeout(60_000);
  let rig: DiskRig;
  beforeEach(async () => {
    rig = new DiskRig();
    await rig.open();
  });
  afterEach(() => rig.close());

  it('a device is attached, and the agent gets its address', async () => {
    rig.prepare();
    rig.ask(withDevice(rig.disk));
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.deepEqual(rig.commands(), [back(rig.disk), front(0)]);
    const { devices, storages, OCI } = rig.request();
    assert.deepEqual(devices.map(({ type, id, container_path }) => [type, id, container_path]), [['scsi', '0:0', '/dev/disk']]); // prettier-ignore
    assert.deepEqual([storages, OCI.Linux.Devices.map(({ Path, Type }) => [Path, Type])], [[], [['/dev/disk', 'b']]]);
  });

  it('a device is read-only if its rule has no w', async () => {
    rig.prepare();
    rig.ask(withDevice(rig.disk, 'r'));
    await rig.create();
    assert.deepEqual(rig.commands()[0], back(rig.disk, true));
  });

  it('a device is read-only if the host cannot write to it', async () => {
    rig.prepare();
    const other = await rig.loops.attach(rig.scratch.file('ro.img'), 8, { isReadonly: true });
    rig.ask(withDevice(other));
    await rig.create();
    assert.deepEqual(rig.commands()[0], back(other, true));
  });

  it('the configuration selects virtio-blk and the cache mode', async () => {
    rig.prepare();
    rig.configure('block_device_driver', 'virtio-blk');
    rig.configure('block_device_cache_set', true);
    rig.configure('block_device_cache_noflush', true);
    rig.ask(withDevice(rig.disk));
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const place = { driver: 'virtio-blk-pci', bus: 'pci-bridge-0', addr: '01', romfile: '' };
    assert.deepEqual(rig.commands(), [
      back(rig.disk, false, { cache: { direct: false, 'no-flush': true } }),
      `device_add ${JSON.stringify({ id: 'virtio-DISK', drive: 'DISK', 'share-rw': true, ...place })}`,
    ]);
    assert.deepEqual(rig.request().devices.map(({ type, id }) => [type, id]), [['blk', '02/01']]); // prettier-ignore
  });

  it('the configuration selects NVDIMMs, whose numbers follow the image', async () => {
    rig.prepare();
    rig.configure('block_device_driver', 'nvdimm');
    rig.ask(withDevice(rig.disk));
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const id = { id: 'nvdimmbackmemDISK' };
    const file = { 'qom-type': 'memory-backend-file', ...id, 'mem-path': rig.disk, size: 8 << 20, share: true, readonly: false };
    assert.deepEqual(rig.commands(), [
      `object-add ${JSON.stringify(file)}`,
      `device_add ${JSON.stringify({ driver: 'nvdimm', id: 'nvdimmDISK', memdev: id.id, unarmed: false })}`,
    ]);
    const [device] = rig.request().devices;
    assert.deepEqual([device?.type, device?.vm_path], ['nvdimm', '/dev/pmem1']);
  });

  it('a volume on an NVDIMM image is attached as an NVDIMM, and the guest mounts it with dax', async () => {
    rig.prepare();
    const image = rig.scratch.file('pmem.img');
    const mounted = await rig.loops.mountPmem(image, rig.scratch.file('pmem'));
    const volume = { destination: '/p', type: 'bind', source: mounted, options: ['rbind'] };
    rig.ask({}, [volume]);
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.match(rig.commands()[0] ?? '', /^object-add [^\n]*"mem-path":"[^"]*pmem.img"/);
    const [storage] = rig.request().storages;
    assert.deepEqual([storage?.driver, storage?.source, storage?.fstype, storage?.options], ['nvdimm', '/dev/pmem1', 'ext4', ['dax']]);
    assert.equal(rig.request().OCI.Mounts[0]?.source, storage?.mount_point);
  });

  it('the error of an unsupported driver names the driver', async () => {
    rig.prepare();
    rig.configure('block_device_driver', 'virtio-mmio');
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /c\.toml:\d+:\d+: hypervisor\.qemu\.block_device_driver = "virtio-mmio": must be one of virtio-scsi, virtio-blk, nvdimm/,
    );
  });

  it('two volumes on one disk are attached once', async () => {
    rig.prepare();
    rig.ask(withDevice(rig.disk), [{ destination: '/data', type: 'bind', source: rig.disk, options: ['rbind', 'rprivate'] }]);
    await rig.create();
    assert.deepEqual(rig.commands(), [back(rig.disk), front(0)]);
    const { storages, devices, OCI } = rig.request();
    const [storage] = storages;
    assert.match(storage?.mount_point ?? '', /^\/run\/kata-containers\/sandbox\/storage\/[0-9a-f]{16}-data$/);
    assert.deepEqual(
      [storage?.driver, storage?.source, storage?.fstype, storage?.options, devices.length],
      ['scsi', '0:0', 'bind', ['bind'], 1],
    );
    assert.equal(OCI.Mounts[0]?.source, storage?.mount_point);
  });

  describe('a root file system on a disk', () => {
    const point = (): string => rig.scratch.file('bundle/rootfs');
    beforeEach(async () => {
      rig.prepare();
      rig.disk = await rig.loops.attach(rig.scratch.file('root.img'), 16, { format: true });
      await rig.loops.mount(rig.disk, point());
      writeFileSync(`${point()}/kept`, 'data');
    });

    it('is mounted by the guest: the host reads its cached data, and cannot write until it is unmounted', async () => {
      assert.deepEqual(quiet(await rig.create()), SILENT);
      assert.deepEqual(rig.commands().slice(0, 2), [back(rig.disk), front(0, false)]);
      const { storages, OCI } = rig.request();
      const root = `/run/kata-containers/shared/containers/${rig.id}`;
      const mounted = storages.map(({ driver, source, fstype, options, mount_point }) => [driver, source, fstype, options, mount_point]);
      assert.deepEqual([mounted, OCI.Root.Path], [[['scsi', '0:0', 'ext4', [], root]], root]);
      assert.deepEqual(readdirSync(`/run/kata-containers/shared/sandboxes/${rig.id}/shared/${rig.id}`), []);
      assert.equal((await rig.kata('delete', '--force', rig.id)).code, 0);
      assert.deepEqual([leftovers(), readFileSync(`${point()}/kept`, 'utf8')], [[], 'data']);
      assert.throws(() => writeFileSync(`${point()}/more`, ''), { code: 'EROFS' });
      assert.deepEqual(quiet(await rig.create()), SILENT); // unchanged for a guest
      assert.deepEqual(rig.commands().slice(0, 2), [back(rig.disk), front(0, false)]);
    });

    it('is shared while the host has a file open for writing', async () => {
      const fd = openSync(`${point()}/open`, 'w');
      try {
        assert.deepEqual(quiet(await rig.create()), SILENT);
      } finally {
        closeSync(fd);
      }
      assert.ok(!rig.commands().some((line) => line.startsWith('blockdev')));
      assert.equal(rig.request().OCI.Root.Path, `/run/kata-containers/shared/containers/${rig.id}/rootfs`);
      writeFileSync(`${point()}/more`, '');
    });

    it('is shared if the configuration requires it', async () => {
      rig.configure('disable_block_device_use', true);
      await rig.create();
      assert.ok(!rig.commands().some((line) => line.startsWith('blockdev')));
      assert.equal(rig.request().OCI.Root.Path, `/run/kata-containers/shared/containers/${rig.id}/rootfs`);
      assert.ok(existsSync(`/run/kata-containers/shared/sandboxes/${rig.id}/shared/${rig.id}/rootfs/kept`));
    });

    it('a volume on a disk is refused if the configuration requires sharing', async () => {
      rig.configure('disable_block_device_use', true);
      rig.ask({}, [{ destination: '/data', type: 'bind', source: rig.disk, options: ['rbind'] }]);
      assert.match(
        (await rig.create()).stderr,
        /^\/dev\/loop\d+ is a block device: disable_block_device_use forbids block devices as volumes\n$/,
      );
      assert.deepEqual(leftovers(), []);
    });

    for (const [name, modes] of [
      ['QEMU', { qemu: 'blockdev-add' }],
      ['the guest', { refuses: 'createContainer' }],
    ] as const)
      it(`that ${name} refuses: nothing is removed`, async () => {
        rig.play(modes);
        assert.equal((await rig.create()).code, 1);
        assert.deepEqual([leftovers(), readFileSync(`${point()}/kept`, 'utf8')], [[], 'data']);
      });
  });

  const guestLoops = Array.from({ length: 8 }, (_, number) => `/dev/loop${number}`);

  it("a privileged container gets the guest's loop devices, and no disk of the host that it does not name", async () => {
    rig.prepare();
    const own = withDevice(rig.disk, 'rwm', rig.disk).devices[0] ?? {};
    rig.ask({ devices: [own, { ...own, path: '/dev/mine' }], resources: { devices: [{ allow: true, access: 'rwm' }] } });
    await rig.create();
    const { devices, OCI } = rig.request();
    assert.deepEqual([devices.length, OCI.Linux.Devices.map(({ Path }) => Path)], [1, ['/dev/mine', ...guestLoops]]);
  });

  it('a privileged container starts even if a device of the host is not usable', async () => {
    rig.prepare();
    const empty = { path: '/dev/loop-control-no', type: 'c', major: 10, minor: 237 };
    const node = rig.disk;
    const numbers = numbersOf(node);
    await rig.loops.detach(rig.disk);
    rig.ask({ devices: [{ path: node, type: 'b', ...numbers }, empty], resources: { devices: [{ allow: true, access: 'rwm' }] } });
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.deepEqual(rig.request().OCI.Linux.Devices.map(({ Path }) => Path), [empty.path, ...guestLoops]); // prettier-ignore
  });

  it('a block device that the host does not have becomes a node that cannot be opened', async () => {
    rig.prepare();
    const numbers = { type: 'b', major: 240, minor: 77 };
    rig.ask({ devices: [{ path: '/dev/x', ...numbers }], resources: { devices: [{ allow: true, ...numbers, access: 'rwm' }] } });
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const { Devices, Resources } = rig.request().OCI.Linux;
    assert.deepEqual([Devices.map(({ Path }) => Path), Resources.Devices.map(({ Major }) => Major)], [['/dev/x'], ['-1', '10']]);
    assert.deepEqual([rig.request().devices, rig.commands().filter((command) => command.startsWith('blockdev-add'))], [[], []]);
  });

  const failures: [name: string, prepare: () => Promise<void> | void, modes: Modes, reason: RegExp][] = [
    ['QEMU cannot open the device', () => rig.ask(withDevice(rig.disk)), { qemu: 'blockdev-add' }, /^block device \/dev\/loop\d+ cannot be plugged: QMP blockdev-add: QEMU says no\n$/],
    ['QEMU refuses the device', () => rig.ask(withDevice(rig.disk)), { qemu: 'device_add' }, /^block device \/dev\/loop\d+ cannot be plugged: QMP device_add: QEMU says no\n$/],
    ['the guest refuses the container', () => rig.ask(withDevice(rig.disk)), { refuses: 'createContainer' }, /^the guest says no\n$/],
    [
      'a loop device without a file',
      async () => {
        rig.ask(withDevice(rig.disk));
        await rig.loops.detach(rig.disk);
      },
      {},
      /^block device \/dev\/loop\d+ is empty: nothing is attached to it\n$/,
    ],
  ]; // prettier-ignore
  for (const [name, prepare, modes, reason] of failures)
    it(`${name}: create fails with this error, and nothing is left behind`, async () => {
      rig.prepare(modes);
      await prepare();
      const { code, stdout, stderr } = await rig.create();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, reason);
      assert.deepEqual(leftovers(), []);
    });
});
