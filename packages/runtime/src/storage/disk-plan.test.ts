import assert from 'node:assert/strict';
import type { Device, DeviceCgroup, Mount } from '@kata-containers/common/oci/spec';
import { planDevices, planDiskVolumes } from './disk-plan.ts';
import type { DiskFacts } from './disk-plan.ts';

const facts: DiskFacts = {
  numberAt: (path) => ({ '/dev/loop5': '7:5', '/dev/dvd': '11:0', '/dev/vda': '254:0' })[path],
  exists: (number) => number !== '8:666',
  isReadonly: (number) => number === '11:0',
  kindOf: () => undefined,
};
const deny: DeviceCgroup = { allow: false, access: 'rwm' };
const everything: DeviceCgroup = { allow: true, access: 'rwm' };
const rule = (access: string, minor = 5): DeviceCgroup => ({ allow: true, type: 'b', major: 7, minor, access });

describe('planDevices', () => {
  const disk = (path = '/dev/x'): Device => ({ path, type: 'b', major: 7, minor: 5 });
  const tty: Device = { path: '/dev/tty9', type: 'c', major: 4, minor: 9 };

  const cases: [name: string, rules: DeviceCgroup[] | undefined, isReadonly: boolean][] = [
    ['no rules', undefined, false],
    ['read and write', [deny, rule('rwm')], false],
    ['read', [deny, rule('r')], true],
    ['read and mknod', [deny, rule('rm')], true],
    ['write access to another device', [deny, rule('r'), rule('rw', 6)], true],
    ['all devices of the major number', [deny, { allow: true, type: 'b', major: 7, minor: -1, access: 'rw' }], false],
    ['all block devices', [deny, { allow: true, type: 'b', access: 'w' }], false],
    ['all devices', [deny, { allow: true, type: 'a', access: 'rwm' }], false],
    ['all character devices', [deny, { allow: true, type: 'c', access: 'rwm' }], true],
    ['an allowed device that is denied again', [everything, { allow: false, type: 'b', major: 7, minor: 5, access: 'w' }], true],
    ['numbers as large integers', [deny, { allow: true, type: 'b', major: 7n, minor: 5n, access: 'rw' }], false],
    ['a missing access means full access', [deny, { allow: true, type: 'b', major: 7, minor: 5 }], false],
  ];
  for (const [name, rules, isReadonly] of cases)
    it(`rules: ${name}`, () => {
      const linux = { devices: [disk(), tty], ...(rules && { resources: { devices: rules } }) };
      const { disks, kept } = planDevices(linux, facts);
      assert.deepEqual(disks, [{ number: '7:5', hint: '/dev/x', isReadonly, isMounted: false }]);
      assert.deepEqual(kept.slice(0, 2), linux.devices); // the guest's loop devices may follow
    });

  it('makes a node and no disk for a device that the host does not have', () => {
    const [nowhere, there] = [{ path: '/dev/nowhere', type: 'b', major: 8, minor: 666 }, disk()];
    const { disks, kept, absent } = planDevices({ devices: [nowhere, there] }, facts);
    assert.deepEqual([disks.map(({ hint }) => hint), kept, absent], [['/dev/x'], [nowhere, there], [nowhere]]);
  });

  it('makes a device read-only if the host cannot write to it', () => {
    const devices = [{ path: '/dev/x', type: 'b', major: 11, minor: 0 }];
    assert.equal(planDevices({ devices, resources: { devices: [everything] } }, facts).disks[0]?.isReadonly, true);
  });

  it("gives a privileged container the requested devices, not the host's", () => {
    const devices = [{ path: '/dev/vda', type: 'b', major: 254, minor: 0 }, disk('/dev/loop5'), disk('/dev/mine'), tty];
    const { disks, kept } = planDevices({ devices, resources: { devices: [everything] } }, facts);
    assert.deepEqual([disks.map(({ hint }) => hint), kept.slice(0, 2)], [['/dev/mine'], [disk('/dev/mine'), tty]]);
  });

  it("gives a privileged container the guest's loop devices, except names that a disk uses", () => {
    const loops = (devices: Device[], rules: DeviceCgroup[]) =>
      planDevices({ devices, resources: { devices: rules } }, { ...facts, numberAt: () => undefined })
        .kept.filter(({ path }) => path.startsWith('/dev/loop'))
        .map(({ path, major, minor }) => `${path} ${major}:${minor}`);
    const all = Array.from({ length: 8 }, (_, minor) => `/dev/loop${minor} 7:${minor}`);
    assert.deepEqual(loops([], [everything]), all);
    assert.deepEqual(loops([], [deny]), []);
    assert.deepEqual(loops([{ path: '/dev/loop0', type: 'b', major: 8, minor: 0 }], [everything]), ['/dev/loop0 8:0', ...all.slice(1)]);
  });

  it('gives an unprivileged container a device under its host path', () =>
    assert.equal(planDevices({ devices: [disk('/dev/loop5')], resources: { devices: [deny, rule('rwm')] } }, facts).disks.length, 1));

  it('plans nothing without devices', () => assert.deepEqual(planDevices({}, facts), { disks: [], kept: [], absent: [] }));
});

describe('planDiskVolumes', () => {
  const plan = (mount: Mount) => planDiskVolumes([mount], facts, () => 'new')[0];
  const point = '/run/kata-containers/sandbox/storage/new-data';

  it('plans a device node for a bind mount of a device', () => {
    const mount: Mount = { destination: '/data', type: 'bind', source: '/dev/loop5', options: ['rbind', 'rprivate'] };
    assert.deepEqual(plan(mount), {
      disk: { number: '7:5', hint: '/dev/loop5', isReadonly: false, isMounted: false },
      mount,
      fstype: 'bind',
      options: ['bind'],
      point,
      moved: { ...mount, source: point },
    });
  });

  it('plans a mount in the guest for a file system on a device', () => {
    const mount: Mount = { destination: '/data', type: 'ext4', source: '/dev/loop5', options: ['noatime'] };
    const { fstype, options, moved, disk } = plan(mount) ?? assert.fail();
    assert.deepEqual([fstype, options, disk.isReadonly, disk.isMounted], ['ext4', ['noatime'], false, true]);
    assert.deepEqual(moved, { destination: '/data', type: 'bind', source: point, options: ['rbind'] });
  });

  const readonly: [name: string, mount: Mount, options: string[]][] = [
    ['by the mount', { destination: '/data', type: 'ext4', source: '/dev/loop5', options: ['ro'] }, ['ro']],
    ['by the host', { destination: '/data', type: 'iso9660', source: '/dev/dvd', options: [] }, ['ro']],
    ['of a device', { destination: '/data', type: 'bind', source: '/dev/loop5', options: ['rbind', 'ro'] }, ['bind']],
  ];
  for (const [name, mount, options] of readonly)
    it(`read-only ${name}`, () => {
      const volume = plan(mount) ?? assert.fail();
      assert.deepEqual([volume.disk.isReadonly, volume.options, volume.moved.options?.includes('ro')], [true, options, true]);
    });

  for (const [name, mount] of [
    ['a directory', { destination: '/data', type: 'bind', source: '/srv', options: ['rbind'] }],
    ['a kernel file system', { destination: '/proc', type: 'proc', source: 'proc' }],
    ['no source', { destination: '/tmp', type: 'tmpfs' }],
  ] as const)
    it(`${name} is not a disk volume`, () => assert.equal(plan({ ...mount, options: [] }), undefined));
});
