import assert from 'node:assert/strict';
import type { DiskFacts } from './disk-plan.ts';
import { planRootfs } from './rootfs-plan.ts';
import type { RootfsDisk } from './rootfs-plan.ts';

const facts: DiskFacts = {
  numberAt: () => undefined,
  exists: () => true,
  isReadonly: (number) => number === '7:9',
  kindOf: (number) => (number.startsWith('253:') ? 'device-mapper' : number.startsWith('7:') ? 'loop' : undefined),
};
const line = (number: string, point: string, { root = '/', type = 'ext4', options = 'rw', own = 'rw' } = {}): string =>
  `30 1 ${number} ${root} ${point} ${options},relatime shared:1 - ${type} /dev/some ${own}`;

describe('planRootfs', () => {
  const system = line('254:0', '/');
  const found = (number: string, changes: Partial<RootfsDisk> = {}): RootfsDisk => ({
    number,
    hint: '/b/rootfs',
    isReadonly: false,
    isMounted: true,
    fstype: 'ext4',
    options: [],
    suffix: '',
    heldAt: '/b/rootfs',
    ...changes,
  });
  const cases: [name: string, lines: string[], expected: RootfsDisk | undefined][] = [
    ['a directory', [], undefined],
    ['a loop device', [line('7:5', '/b/rootfs')], found('7:5')],
    ['a device-mapper device', [line('253:3', '/b/rootfs')], found('253:3')],
    ['xfs that the host can write to', [line('253:3', '/b/rootfs', { type: 'xfs' })], undefined],
    ['xfs that the host can write to through another mount', [line('253:3', '/b/rootfs', { type: 'xfs', options: 'ro' })], undefined],
    [
      'xfs that is read-only',
      [line('253:3', '/b/rootfs', { type: 'xfs', options: 'ro', own: 'ro' })],
      found('253:3', { fstype: 'xfs', isReadonly: true, options: ['nouuid', 'ro'] }),
    ],
    ['mounted read-only', [line('7:5', '/b/rootfs', { options: 'ro', own: 'ro' })], found('7:5', { isReadonly: true, options: ['ro'] })],
    ['a file system that the host can write to through another mount', [line('7:5', '/b/rootfs', { options: 'ro' })], undefined],
    ['a read-only file system', [line('7:5', '/b/rootfs', { own: 'ro' })], found('7:5', { isReadonly: true, options: ['ro'] })],
    ['a file system that is remounted for a guest', [line('7:5', '/b/rootfs', { own: 'ro,noinit_itable' })], found('7:5')],
    [
      'a mount of a user with the same options',
      [line('7:5', '/b/rootfs', { options: 'ro', own: 'ro,noinit_itable' })],
      found('7:5', { isReadonly: true, options: ['ro'] }),
    ],
    ['a read-only device', [line('7:9', '/b/rootfs')], found('7:9', { isReadonly: true, options: ['ro'] })],
    ['the topmost of two mounts', [line('7:5', '/b/rootfs'), line('0:40', '/b/rootfs', { type: 'overlay' })], undefined],
    ['another disk', [line('8:1', '/b/rootfs')], undefined],
    ['a part of the file system', [line('7:5', '/b/rootfs', { root: '/images/1' })], undefined],
    ['a file system that the guest does not support', [line('7:5', '/b/rootfs', { type: 'btrfs' })], undefined],
    ['with a mount inside', [line('7:5', '/b/rootfs'), line('0:41', '/b/rootfs/etc/hosts', { type: 'tmpfs' })], undefined],
    ['below the mount point, on device-mapper', [line('253:3', '/b')], found('253:3', { suffix: '/rootfs', heldAt: '/b' })],
    ['below the mount point, on a loop device', [line('7:5', '/b')], undefined],
  ];
  for (const [name, lines, expected] of cases)
    it(name, () =>
      assert.deepEqual(planRootfs({ path: '/run/bundle', rootfs: '/b/rootfs' }, [system, ...lines].join('\n'), facts), expected),
    );

  it('shares the root file system if the bundle is on the same disk', () =>
    assert.equal(planRootfs({ path: '/b', rootfs: '/b/rootfs' }, line('253:3', '/b'), facts), undefined));
  it("does not attach the host's root file system", () =>
    assert.equal(planRootfs({ path: '/run/bundle', rootfs: '/rootfs' }, line('253:0', '/'), facts), undefined));
});
