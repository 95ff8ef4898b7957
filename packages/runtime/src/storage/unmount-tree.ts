import { UMOUNT_NOFOLLOW } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { mountPointsBelow, readMountTable } from './mount-table.ts';

/**
 * Unmounts all that is mounted at or below `path`, innermost first, never lazily and never through a link: a lazy unmount
 * followed by a removal has deleted users' volumes. Nothing mounted there is a success.
 * @throws KernelError when a mount is still in use
 */
export function unmountTree(path: string, kernel: Pick<Kernel, 'umount'>): void {
  // One unmount may take others along by propagation: look at the table again each time.
  for (let [point] = mountPointsBelow(path, readMountTable()); point !== undefined; [point] = mountPointsBelow(path, readMountTable())) {
    kernel.umount(point, UMOUNT_NOFOLLOW);
  }
}
