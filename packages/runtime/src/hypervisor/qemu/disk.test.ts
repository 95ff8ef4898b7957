import assert from 'node:assert/strict';
import { QmpError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { QmpClient } from '../qmp/qmp-client.ts';
import type { QmpEvent } from '../qmp/qmp-message.ts';
import { diskAddress, plugDisk, unplugDisk } from './disk.ts';
import type { Disk } from './disk.ts';

type Values = Readonly<Record<string, unknown>>;

/** Records each command and answers from `answers`. */
function play(answers: Readonly<Record<string, (values: Values, tell: (event: QmpEvent) => void) => unknown>> = {}) {
  const commands: [name: string, values?: Values][] = [];
  let listener: (event: QmpEvent) => void = () => {};
  const monitor = {
    execute: (name: string, values: Values = {}): Promise<unknown> => {
      commands.push([name, values]);
      return Promise.resolve().then(() => answers[name]?.(values, (event) => listener(event)) ?? {});
    },
    onEvent: (call: (event: QmpEvent) => void) => {
      listener = call;
      return () => {};
    },
  };
  return { commands, monitor: monitor as unknown as QmpClient };
}
const refuse = (qmpClass: string) => (): never => {
  throw new QmpError('it', qmpClass, 'no');
};

const disk = (changes: Partial<Disk> = {}): Disk => ({
  id: 'drive-1',
  file: { set: 3, fd: 7 },
  bytes: 8 << 20,
  isReadonly: false,
  isExclusive: false,
  cache: undefined,
  driver: 'virtio-scsi',
  index: 0,
  slot: 0,
  ...changes,
});

describe('diskAddress', () => {
  const cases: [place: Parameters<typeof diskAddress>[0], driver: string, address: string][] = [
    [{ driver: 'virtio-scsi', index: 0, slot: 0 }, 'scsi', '0:0'],
    [{ driver: 'virtio-scsi', index: 255, slot: 0 }, 'scsi', '0:255'],
    [{ driver: 'virtio-scsi', index: 256, slot: 0 }, 'scsi', '1:0'],
    [{ driver: 'virtio-scsi', index: 600, slot: 0 }, 'scsi', '2:88'],
    [{ driver: 'virtio-blk', index: 3, slot: 1 }, 'blk', '02/01'],
    [{ driver: 'virtio-blk', index: 3, slot: 30 }, 'blk', '02/1e'],
    [{ driver: 'nvdimm', index: 2, slot: 0 }, 'nvdimm', '/dev/pmem2'],
  ];
  for (const [place, driver, address] of cases)
    it(`${place.driver} ${place.index} in ${place.slot}`, () => assert.deepEqual(diskAddress(place), { driver, address }));
});

describe('plugDisk', () => {
  const back = (changes: Values = {}): [string, Values] => [
    'blockdev-add',
    { driver: 'raw', 'read-only': false, file: { driver: 'host_device', filename: '/dev/fdset/3' }, 'node-name': 'drive-1', ...changes },
  ];

  it('virtio-scsi', async () => {
    const { commands, monitor } = play();
    await plugDisk(monitor, disk({ index: 257 }));
    const front = { id: 'virtio-drive-1', drive: 'drive-1', 'share-rw': true, driver: 'scsi-hd', bus: 'scsi0.0', 'scsi-id': 1, lun: 1 };
    assert.deepEqual(commands, [back(), ['device_add', front]]);
  });

  it('virtio-blk, read-only, with a configured cache', async () => {
    const { commands, monitor } = play();
    const cache = { direct: true, 'no-flush': false };
    await plugDisk(monitor, disk({ driver: 'virtio-blk', slot: 10, isReadonly: true, cache }));
    const place = { driver: 'virtio-blk-pci', bus: 'pci-bridge-0', addr: '0a', romfile: '' };
    assert.deepEqual(commands, [
      back({ 'read-only': true, cache }),
      ['device_add', { id: 'virtio-drive-1', drive: 'drive-1', 'share-rw': true, ...place }],
    ]);
  });

  it('locks a disk against writes of other VMs', async () => {
    const { commands, monitor } = play();
    await plugDisk(monitor, disk({ isExclusive: true }));
    assert.equal(commands.at(-1)?.[1]?.['share-rw'], false);
  });

  it('removes the block node after QEMU has refused the device', async () => {
    const { commands, monitor } = play({ device_add: refuse('GenericError') });
    await assert.rejects(plugDisk(monitor, disk()), QmpError);
    assert.deepEqual(commands.at(-1), ['blockdev-del', { 'node-name': 'drive-1' }]);
  });
});

describe('unplugDisk', () => {
  const scsi = { id: 'drive-1', driver: 'virtio-scsi' } as const;
  const nodes = (): object[] => [{ 'node-name': 'drive-1' }, { 'node-name': '#block1' }];
  const goes = (_values: Values, tell: (event: QmpEvent) => void): void =>
    tell({ kind: 'event', name: 'DEVICE_DELETED', data: { device: 'virtio-drive-1' } });

  it('removes the device, then its block node', async () => {
    const { commands, monitor } = play({ device_del: goes, 'query-named-block-nodes': nodes });
    await unplugDisk(monitor, scsi, 1000);
    assert.deepEqual(
      [commands[0], commands.at(-1)],
      [
        ['device_del', { id: 'virtio-drive-1' }],
        ['blockdev-del', { 'node-name': 'drive-1' }],
      ],
    );
  });

  it('succeeds for a device that does not exist', async () => {
    const { commands, monitor } = play({ device_del: refuse('DeviceNotFound'), 'query-named-block-nodes': () => [] });
    await unplugDisk(monitor, scsi, 1000);
    assert.ok(!commands.some(([name]) => name === 'blockdev-del'));
  });

  it('removes a half-attached disk', async () => {
    const { commands, monitor } = play({ device_del: refuse('DeviceNotFound'), 'query-named-block-nodes': nodes });
    await unplugDisk(monitor, scsi, 1000);
    assert.equal(commands.at(-1)?.[0], 'blockdev-del');
  });

  it('times out if the guest does not release the disk, and keeps the block node', async () => {
    const { commands, monitor } = play({ 'query-named-block-nodes': nodes });
    await assert.rejects(unplugDisk(monitor, scsi, 5), TimeoutError);
    assert.deepEqual(commands.map(([name]) => name), ['device_del']); // prettier-ignore
  });
});

describe('an NVDIMM', () => {
  const wanted = disk({ driver: 'nvdimm', index: 1 });
  const file = { 'qom-type': 'memory-backend-file', id: 'nvdimmbackmemdrive-1', 'mem-path': '/proc/self/fd/7', size: 8 << 20, share: true };
  const device = { driver: 'nvdimm', id: 'nvdimmdrive-1', memdev: 'nvdimmbackmemdrive-1' };
  for (const isReadonly of [false, true])
    it(isReadonly ? 'maps the file read-only for the guest too' : 'maps the pages of the file', async () => {
      const { commands, monitor } = play({
        'query-memory-devices': () => [{ type: 'nvdimm', data: { id: 'nvdimmdrive-1', addr: 2 ** 33 } }],
      });
      assert.equal(await plugDisk(monitor, { ...wanted, isReadonly }), 2 ** 33);
      assert.deepEqual(commands.slice(0, 2), [
        ['object-add', { ...file, readonly: isReadonly }],
        ['device_add', { ...device, unarmed: isReadonly }],
      ]);
    });

  it('is removed completely after QEMU has refused it', async () => {
    const { commands, monitor } = play({ device_add: refuse('GenericError') });
    await assert.rejects(plugDisk(monitor, wanted), QmpError);
    assert.deepEqual(commands.at(-1), ['object-del', { id: 'nvdimmbackmemdrive-1' }]);
  });

  it('cannot be detached', async () => {
    const { commands, monitor } = play({ 'query-memory-devices': () => [{ type: 'nvdimm', data: { id: 'nvdimmdrive-1' } }] });
    await assert.rejects(unplugDisk(monitor, wanted, 5), /cannot be detached while its VM runs/);
    assert.equal(commands.length, 1);
  });

  it('is removed while it is half-attached', async () => {
    const { commands, monitor } = play({ 'query-memory-devices': () => [{ type: 'nvdimm', data: { id: 'nv0' } }] });
    await unplugDisk(monitor, wanted, 5);
    assert.deepEqual(commands.at(-1), ['object-del', { id: 'nvdimmbackmemdrive-1' }]);
  });
});
