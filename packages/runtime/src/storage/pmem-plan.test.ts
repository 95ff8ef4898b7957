import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { planPmemVolumes } from './pmem-plan.ts';

const table = [
  '30 1 7:5 / /mnt/pmem rw,relatime - ext4 /dev/loop5 rw',
  '31 1 7:5 /part /mnt/part rw - ext4 /dev/loop5 rw',
  '32 1 7:6 / /mnt/plain rw - ext4 /dev/loop6 rw',
  '33 1 7:5 / /mnt/ro ro - xfs /dev/loop5 ro',
  '34 1 7:5 / /mnt/seen-ro ro - xfs /dev/loop5 rw',
  '35 1 7:5 / /mnt/xfs rw - xfs /dev/loop5 rw',
  '36 1 7:5 / /mnt/held rw - ext4 /dev/loop5 ro,noinit_itable',
  '',
].join('\n');
const facts = {
  imageOf: (number: string) => (number === '7:5' ? { path: '/images/p', number: 'file 1:2' } : undefined),
  isReadonly: () => false,
};
const bind = (source: string, ...options: string[]): Mount => ({ destination: '/v', type: 'bind', source, options: ['rbind', ...options] });

describe('planPmemVolumes', () => {
  const plan = (mount: Mount) => planPmemVolumes([mount], table, facts, () => 'new');
  const point = '/run/kata-containers/sandbox/storage/new-v';

  const found: [name: string, mount: Mount, fstype: string, options: string[], isReadonly: boolean][] = [
    ['a writable volume', bind('/mnt/pmem'), 'ext4', ['dax'], false],
    ['a file system that is remounted for a guest', bind('/mnt/held'), 'ext4', ['dax'], false],
    ['a file system that the host has mounted read-only', bind('/mnt/ro'), 'xfs', ['dax', 'ro'], true],
  ];
  for (const [name, mount, fstype, options, isReadonly] of found)
    it(name, () => {
      const disk = { number: 'file 1:2', hint: mount.source, isReadonly, isMounted: true, image: '/images/p' };
      assert.deepEqual(plan(mount), [{ disk, mount, fstype, options, point, moved: { ...mount, source: point } }]);
    });

  const none: [name: string, mount: Mount][] = [
    ['another loop device', bind('/mnt/plain')],
    ['a part of the file system', bind('/mnt/part')],
    ['a read-only volume that the host can write to', bind('/mnt/pmem', 'ro')],
    ['a file system that the host can write to through another mount', bind('/mnt/seen-ro')],
    ['a read-only volume that another guest writes to', bind('/mnt/held', 'ro')],
    ['xfs that the host can write to', bind('/mnt/xfs')],
    ['a subdirectory of the file system', bind('/mnt/pmem/inner')],
    ['a source that is not a mount point', bind('/home')],
    ['a mount that is not a bind mount', { destination: '/v', type: 'tmpfs', source: '/mnt/pmem' }],
  ];
  for (const [name, mount] of none) it(`none: ${name}`, () => assert.deepEqual(plan(mount), []));
});
