import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { explainFullRun } from './explain-full-run.ts';
import type { Room } from '../mounts/free-room.ts';

const MIB = 1 << 20;
const room =
  (freeMib: number, freeFiles = 100) =>
  (): Room => ({ mountPoint: '/run', freeBytes: freeMib * MIB, freeFiles });
const noSpace = Object.assign(new Error("ENOSPC: no space left on device, mkdir '/run/vc/sbs/a'"), { code: 'ENOSPC' });
const other = new KataError('QEMU ended at its start (exit code 1)');

describe('explainFullRun', () => {
  const full: [name: string, error: Error, free: () => Room, text: RegExp][] = [
    [
      'a system call',
      noSpace,
      room(0),
      /^\/run is full: 0 MiB are free, a sandbox needs 16 MiB; 'du .* \(mkdir '\/run\/vc\/sbs\/a' failed \(ENOSPC\)\)$/,
    ],
    ['the cause of an error', new KataError('x', { cause: noSpace }), room(3), /^\/run is full: 3 MiB are free/],
    ['a program', new KataError('qemu: log: No space left on device'), room(15), /^\/run is full: 15 MiB/],
    ['a program that could not write its error', other, room(0), /^\/run is full: 0 MiB .* \(QEMU ended at its start \(exit code 1\)\)$/],
    ['no inodes', noSpace, room(100, 2), /^\/run is full: 2 inodes are free, a sandbox needs 64; /],
  ];
  for (const [name, error, free, text] of full) it(name, () => assert.match((explainFullRun(error, free) as Error).message, text));

  it('names the mount point of the file system that is full', () => {
    const full = (path: string): Room => ({ ...(path === '/run/vc/vm' ? room(0) : room(100))(), mountPoint: dirname(path) });
    assert.match((explainFullRun(other, full) as Error).message, /^\/run\/vc is full: 0 MiB are free.* 'du -xh \/run\/vc /);
  });

  it('examines the other file systems if one cannot be read', () => {
    const full = (path: string): Room => (path === '/run' ? assert.fail() : { ...room(0)(), mountPoint: path });
    assert.match((explainFullRun(other, full) as Error).message, /^\/run\/vc\/sbs is full/);
  });

  it('does not change errors if /run cannot be read', () =>
    assert.equal(
      explainFullRun(noSpace, () => {
        throw new Error("ENOENT: no such file or directory, statfs '/run'");
      }),
      noSpace,
    ));

  it('does not change other errors and errors of other file systems', () => {
    assert.equal(explainFullRun(other, room(3)), other);
    assert.equal(explainFullRun(noSpace, room(100)), noSpace);
  });
});
