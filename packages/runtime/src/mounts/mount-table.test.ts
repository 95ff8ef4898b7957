import assert from 'node:assert/strict';
import { hasWritableMountBelow, mountAt, mountPointsBelow } from './mount-table.ts';

const table = [
  '22 1 254:0 / / rw - ext4 /dev/vda rw',
  '30 22 0:5 / /run rw - tmpfs tmpfs rw',
  '31 30 0:6 / /run/a rw - tmpfs tmpfs rw',
  '32 31 0:7 / /run/a/b\\040c rw - tmpfs tmpfs rw',
  '33 31 0:8 / /run/a rw - tmpfs tmpfs rw',
  '34 30 0:9 / /run/ab rw - tmpfs tmpfs rw',
  '',
].join('\n');

describe('mountPointsBelow', () => {
  const cases: [path: string, points: string[]][] = [
    ['/run/a', ['/run/a', '/run/a/b c', '/run/a']],
    ['/run/ab', ['/run/ab']],
    ['/nowhere', []],
  ];
  for (const [path, points] of cases) it(path, () => assert.deepEqual(mountPointsBelow(path, table), points));
});

describe('mountAt', () => {
  const disk = '35 22 7:5 /a\\040b /disk rw,nosuid,noexec,relatime shared:3 master:1 - ext4 /dev/loop5 ro,errors=continue';
  it('returns device number, root, type and options', () =>
    assert.deepEqual(mountAt('/disk', `${table}${disk}\n`), {
      number: '7:5',
      root: '/a b',
      fstype: 'ext4',
      isReadonly: true,
      isWhollyReadonly: true,
      isHeld: false,
      flags: 2 | 8,
      superOptions: ['ro', 'errors=continue'],
    }));
  it('returns the topmost mount', () => assert.equal(mountAt('/run/a', table)?.number, '0:8'));
  it('returns undefined without a mount', () => assert.equal(mountAt('/nowhere', table), undefined));
});

describe('hasWritableMountBelow', () => {
  const readOnly = [
    '40 22 0:5 / /a rw - tmpfs none rw',
    '41 40 0:6 / /a/b ro,nosuid - tmpfs none rw',
    '42 40 0:7 / /a/c rw - ext4 none ro',
  ];
  const cases: [name: string, path: string, lines: string[], expected: boolean][] = [
    ['a writable mount', '/run', [table], true],
    ['the mount at the path itself', '/run/ab', [table], false],
    ['a longer name', '/ru', [table], false],
    ['the root', '/', [table], true],
    ['a read-only mount, and a mount of a read-only file system', '/a', readOnly, false],
    ['a writable mount below a read-only one', '/a', [...readOnly, '43 41 0:8 / /a/b/d rw - tmpfs none rw'], true],
  ];
  for (const [name, path, lines, expected] of cases) it(name, () => assert.equal(hasWritableMountBelow(path, lines.join('\n')), expected));
});
