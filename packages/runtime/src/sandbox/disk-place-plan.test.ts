import assert from 'node:assert/strict';
import { freeSlot } from './bridge-slot-plan.ts';
import { diskCache, isSameDisk, placeDisk, withDisk, withUser, withoutDisk } from './disk-place-plan.ts';
import type { DiskConfig, DiskRecord, Endpoint, SandboxState } from '../state/state.ts';

const record = (Index: number, changes: Partial<DiskRecord> = {}): DiskRecord => ({
  ID: `drive-${Index}`,
  Number: `7:${Index}`,
  ReadOnly: false,
  Driver: 'virtio-scsi',
  Index,
  Slot: 0,
  Plugged: true,
  Containers: ['a'],
  ...changes,
});
const endpoint = (Slot: number): Endpoint => ({ Name: `eth${Slot}`, HardAddr: '', Tap: '', NetDev: '', Slot });
const state = (Devices?: DiskRecord[], slots: number[] = []): SandboxState =>
  ({ Network: { Endpoints: slots.map(endpoint) }, ...(Devices && { Devices }) }) as unknown as SandboxState;

describe('freeSlot', () => {
  const cases: [name: string, disks: number[], links: number[], slot: number][] = [
    ['all slots are free', [], [], 1],
    ['devices of the start use no slot', [0, 0], [0], 1],
    ['disks and links share the slots', [1, 4], [2, 0], 3],
    ['the last one', Array.from({ length: 15 }, (_, index) => index + 1), Array.from({ length: 14 }, (_, index) => index + 16), 30],
  ];
  for (const [name, disks, links, slot] of cases)
    it(name, () =>
      assert.equal(
        freeSlot(
          state(
            disks.map((Slot, index) => record(index, { Slot })),
            links,
          ),
        ),
        slot,
      ),
    );
  it('throws if all slots are in use', () => {
    const links = Array.from({ length: 30 }, (_, index) => index + 1);
    assert.throws(() => freeSlot(state([], links)), { message: 'no more bridge slots available' });
  });
});

describe('placeDisk', () => {
  const wanted = { number: '7:9', hint: '/dev/x', isReadonly: true, isMounted: false };
  const place = (driver: 'virtio-scsi' | 'virtio-blk', given: SandboxState): DiskRecord =>
    placeDisk(given, wanted, { id: 'drive-new', containerId: 'c', driver });

  it('takes the lowest free number', () => {
    assert.equal(place('virtio-scsi', state()).Index, 0);
    assert.equal(place('virtio-scsi', state([record(0), record(1), record(3)])).Index, 2);
  });
  it('takes a slot on the bridge for a virtio disk, not for a SCSI disk', () => {
    const there = state([record(0, { Slot: 1 })], [2]);
    assert.deepEqual([place('virtio-scsi', there).Slot, place('virtio-blk', there).Slot], [0, 3]);
  });
  it('records the container of a disk that is not attached yet', () => {
    const { Plugged, Containers, ReadOnly, Number: number } = place('virtio-scsi', state());
    assert.deepEqual([Plugged, Containers, ReadOnly, number], [false, ['c'], true, '7:9']);
  });
});

describe('recorded disks', () => {
  it('are different for read-only and writable use', () => {
    const wish = (isReadonly: boolean) => ({ number: '7:1', hint: '', isReadonly, isMounted: false });
    assert.deepEqual([isSameDisk(record(1), wish(false)), isSameDisk(record(1), wish(true))], [true, false]);
  });
  it('list a container once', () => assert.deepEqual(withUser(withUser(record(0), 'b'), 'b').Containers, ['a', 'b']));
  it('are added, replaced and removed by their id', () => {
    const one = withDisk(state(), record(0, { Plugged: false }));
    assert.deepEqual(withDisk(one, record(0)).Devices, [record(0)]);
    assert.deepEqual(withoutDisk(withDisk(one, record(1)), record(0)).Devices, [record(1)]);
  });
});

describe('diskCache', () => {
  const config = (BlockDeviceCacheSet: boolean): DiskConfig => ({
    BlockDeviceDriver: 'virtio-scsi',
    DisableBlockDeviceUse: false,
    BlockDeviceCacheSet,
    BlockDeviceCacheDirect: true,
    BlockDeviceCacheNoflush: false,
  });
  it('is unset without configured cache options', () => assert.equal(diskCache(config(false)), undefined));
  it('is set by the configuration', () => assert.deepEqual(diskCache(config(true)), { direct: true, 'no-flush': false }));
});
