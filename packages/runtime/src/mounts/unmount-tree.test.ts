import assert from 'node:assert/strict';
import { KernelError } from '@kata-containers/common/errors/kata-error';
import { unmountTree } from './unmount-tree.ts';

const tableOf = (points: readonly string[]): string => points.map((point) => `30 20 0:25 / ${point} rw - ext4 /dev/x rw`).join('\n');

describe('unmountTree', () => {
  const busy = new KernelError('umount', 16, 'EBUSY', '/m');
  const gone = new KernelError('umount', 22, 'EINVAL', '/m');

  it('unmounts inner mounts first and no other mounts', () => {
    const mounted = ['/m', '/m/a', '/m2', '/m/a/b'];
    const done: string[] = [];
    const umountExactly = (point: string): void => void done.push(...mounted.splice(mounted.lastIndexOf(point), 1));
    unmountTree('/m', { umountExactly }, () => tableOf(mounted));
    assert.deepEqual([done, mounted], [['/m/a/b', '/m/a', '/m'], ['/m2']]);
  });
  it('accepts that another process unmounts a mount meanwhile', () => {
    const mounted = ['/m', '/m/a'];
    const umountExactly = (): never => {
      mounted.pop();
      throw gone;
    };
    unmountTree('/m', { umountExactly }, () => tableOf(mounted));
    assert.deepEqual(mounted, []);
  });
  for (const error of [busy, gone])
    it(`reports a remaining mount: ${error.code}`, () => {
      const umountExactly = (): never => {
        throw error;
      };
      assert.throws(() => unmountTree('/m', { umountExactly }, () => tableOf(['/m'])), error);
    });
});
