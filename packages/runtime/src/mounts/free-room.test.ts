import assert from 'node:assert/strict';
import { realpathSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunOut, roomAt, shortageOf } from './free-room.ts';

const MIB = 1 << 20;

describe('roomAt', () => {
  it('finds the file system of a path that does not exist', () => {
    const { mountPoint, freeBytes } = roomAt(join(tmpdir(), 'kata-no-such-directory/file'));
    assert.ok(realpathSync(tmpdir()).startsWith(mountPoint), mountPoint);
    assert.equal(statfsSync(mountPoint).type, statfsSync(tmpdir()).type);
    assert.ok(freeBytes > 0);
  });
  it('finds no limit where statfs(2) reports no blocks and no inodes', () => {
    const { blocks, files } = statfsSync('/proc');
    assert.deepEqual([blocks, files], [0, 0]);
    assert.deepEqual(roomAt('/proc/self/status'), { mountPoint: '/proc', freeBytes: Infinity, freeFiles: Infinity });
  });
});

describe('shortageOf', () => {
  const room = (freeBytes: number, freeFiles: number): Parameters<typeof shortageOf>[0] => ({ mountPoint: '/run', freeBytes, freeFiles });
  it('is undefined with enough room', () => assert.equal(shortageOf(room(16 * MIB, 64)), undefined));
  it('is undefined without a limit', () => assert.equal(shortageOf(room(Infinity, Infinity)), undefined));
  it('is the space', () => assert.deepEqual(shortageOf(room(16 * MIB - 1, Infinity)), { free: '15 MiB', needed: '16 MiB' }));
  it('is the inodes', () => assert.deepEqual(shortageOf(room(MIB, 63)), { free: '63 inodes', needed: '64' }));
  it('knows a file system that has run out', () =>
    assert.deepEqual([room(0, 9), room(9, 0), room(1, 1), room(Infinity, Infinity)].map(isRunOut), [true, true, false, false]));
});
