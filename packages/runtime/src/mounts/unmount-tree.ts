import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { mountPointsBelow, readMountTable } from './mount-table.ts';

/**
 * Unmounts everything at or below `path`, innermost first, never lazily and never through a link: a lazy unmount followed by a removal
 * has deleted users' volumes. A path without mounts is a success, and so is a mount that another `delete` unmounts meanwhile.
 * @throws KernelError when a mount is still in use
 */
export function unmountTree(path: string, kernel: Pick<Kernel, 'umountExactly'>, readTable = readMountTable): void {
  const left = (): string[] => mountPointsBelow(path, readTable());
  // One unmount may unmount others by propagation: read the table again each time.
  for (let points = left(); points[0] !== undefined; points = left()) {
    try {
      kernel.umountExactly(points[0]);
    } catch (error) {
      if (left().length >= points.length) throw error;
    }
  }
}
