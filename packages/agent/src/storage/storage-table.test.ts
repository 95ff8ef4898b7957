import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@kata-containers/common/generated/agent';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { MNT_DETACH, MS_NODEV, MS_NOSUID, MS_RDONLY, UMOUNT_NOFOLLOW } from '@kata-containers/common/kernel/constants';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import type { Call } from '@kata-containers/common/kernel/recording-kernel';
import { hugePagesWanted, reserveHugePages } from './huge-pages.ts';
import { parseMountOptions } from './parse-mount-options.ts';
import { StorageTable } from './storage-table.ts';

describe('parseMountOptions', () => {
  const cases: [options: string[], flags: number, data: string][] = [
    [['nodev', 'nosuid', 'mode=1777', 'size=64m'], MS_NODEV | MS_NOSUID, 'mode=1777,size=64m'],
    [['ro', 'rw'], 0, ''],
    [['ro'], MS_RDONLY, ''],
    [[], 0, ''],
  ];
  for (const [options, flags, data] of cases)
    it(`[${options.join(' ')}]`, () => assert.deepEqual(parseMountOptions(options), { flags, data }));
});

describe('StorageTable', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'storage-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const shm = (): Storage =>
    Storage.fromPartial({
      driver: 'ephemeral',
      source: 'shm',
      fstype: 'tmpfs',
      mount_point: join(root, 'shm'),
      options: ['nodev', 'size=1'],
    });
  function setUp(answers: Parameters<typeof recordingKernel>[0] = {}): { table: StorageTable; calls: Call[] } {
    const { kernel, calls } = recordingKernel(answers);
    return { table: new StorageTable({ kernel, findDevice: (driver, address) => Promise.resolve(`/dev/${driver}-${address}`) }), calls };
  }
  const mounted = ['mount', 'shm', '', 'tmpfs', MS_NODEV, 'size=1'];

  it('mounts once and unmounts after the last user', async () => {
    const { table, calls } = setUp();
    await Promise.all([table.addAll([shm()]), table.addAll([shm()])]);
    await table.removeAll([shm()]);
    assert.deepEqual(calls, [mounted.with(2, join(root, 'shm'))]);
    await table.removeAll([shm()]);
    assert.deepEqual(calls.at(-1), ['umount', join(root, 'shm'), UMOUNT_NOFOLLOW]);
    assert.equal(existsSync(join(root, 'shm')), false);
  });

  it('detaches a busy mount', async () => {
    let tries = 0;
    const { table, calls } = setUp({
      umount: () => {
        if (tries++ === 0) throw new KernelError('umount', 16, 'EBUSY', '');
      },
    });
    await table.addAll([shm()]);
    await table.clear();
    assert.deepEqual(calls.at(-1), ['umount', join(root, 'shm'), MNT_DETACH | UMOUNT_NOFOLLOW]);
  });

  for (const driver of ['blk', 'scsi', 'mmioblk', 'nvdimm']) {
    it(`${driver}: finds and mounts the device`, async () => {
      const { table, calls } = setUp();
      const disk = { driver, source: '1', fstype: 'ext4', mount_point: join(root, 'disk'), options: ['ro'] };
      await table.addAll([Storage.fromPartial(disk)]);
      assert.deepEqual(calls, [['mount', `/dev/${driver}-1`, join(root, 'disk'), 'ext4', MS_RDONLY, '']]);
    });
  }

  it('binds a device node over a file and removes the file with the mount', async () => {
    const { table, calls } = setUp();
    const [node, point] = [join(root, 'node'), join(root, 'storage/1-data')];
    writeFileSync(node, '');
    const bound = new StorageTable({ kernel: recordingKernel().kernel, findDevice: () => Promise.resolve(node) });
    const disk = Storage.fromPartial({ driver: 'scsi', source: '0:0', fstype: 'bind', mount_point: point, options: ['bind'] });
    await bound.addAll([disk]);
    assert.ok(statSync(point).isFile());
    await bound.removeAll([disk]);
    assert.deepEqual([existsSync(point), calls], [false, []]);
    await table.clear();
  });

  it('makes a local directory with its mode and never unmounts it', async () => {
    const { table, calls } = setUp();
    await table.addAll([Storage.fromPartial({ driver: 'local', mount_point: join(root, 'l'), options: ['mode=0750'] })]);
    assert.equal(statSync(join(root, 'l')).mode & 0o777, 0o750);
    await table.clear();
    assert.deepEqual(calls, []);
  });

  it('gives a local directory a group and the setgid bit', async () => {
    const { table } = setUp();
    const gid = process.getgid?.() ?? 0; // any user may give a directory to the own group
    await table.addAll([Storage.fromPartial({ driver: 'local', mount_point: join(root, 'l'), options: ['mode=2775', `fsgid=${gid}`] })]);
    const { mode, gid: group } = statSync(join(root, 'l'));
    assert.deepEqual([mode & 0o7777, group], [0o2775, gid]);
  });

  for (const [name, storage, reason] of [
    ['an unknown driver', { driver: 'tape', mount_point: '/x' }, /Unknown storage driver "tape"/],
    ['a target in /proc', { driver: 'ephemeral', mount_point: '/proc/sys' }, /must not be mounted on/],
  ] as const) {
    it(`${name} is refused, and the storages of the request are removed`, async () => {
      const { table, calls } = setUp();
      await assert.rejects(table.addAll([shm(), Storage.fromPartial(storage)]), { message: reason });
      assert.deepEqual(
        calls.map(([call]) => call),
        ['mount', 'umount'],
      );
    });
  }

  it('forgets a failed mount', async () => {
    let tries = 0;
    const { table } = setUp({
      mount: () => {
        if (tries++ === 0) throw new KernelError('mount', 19, 'ENODEV', 'of shm');
      },
    });
    await assert.rejects(table.addAll([shm()]), /Could not mount shm to .*ENODEV/);
    await table.addAll([shm()]);
    assert.equal(tries, 2);
  });
});

describe('huge pages', () => {
  it('are as many as requested', () => assert.deepEqual(hugePagesWanted(['pagesize=2097152,size=8388608']), { pageKiB: 2048, pages: 4 }));
  it('need a size', () => assert.equal(hugePagesWanted(['pagesize=2097152']), undefined));
  it('are reserved', () => {
    const root = mkdtempSync(join(tmpdir(), 'huge-'));
    mkdirSync(join(root, 'hugepages-2048kB'));
    writeFileSync(join(root, 'hugepages-2048kB/nr_hugepages'), '0');
    reserveHugePages(['pagesize=2097152', 'size=8388608'], root);
    assert.equal(readFileSync(join(root, 'hugepages-2048kB/nr_hugepages'), 'utf8'), '4');
    rmSync(root, { recursive: true });
  });
});
