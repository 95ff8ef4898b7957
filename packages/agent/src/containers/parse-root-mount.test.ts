import assert from 'node:assert/strict';
import { isInitramfs } from './parse-root-mount.ts';

describe('isInitramfs', () => {
  const cases: [name: string, mounts: string, expected: boolean][] = [
    ['an initrd', 'none / rootfs rw 0 0\nproc /proc proc rw 0 0\n', true],
    ['an image', '/dev/root / ext4 ro,dax=always 0 0\nproc /proc proc rw 0 0\n', false],
    ['a rootfs at another path', '/dev/root / ext4 ro 0 0\nnone /mnt rootfs rw 0 0\n', false],
  ];
  for (const [name, mounts, expected] of cases) it(name, () => assert.equal(isInitramfs(mounts), expected));
});
