/**
 * Prevents the host from writing to a file system whose disk is attached to a guest. A read-write ext4 writes without a request: access
 * times, inode tables that mkfs did not zero (by a thread, in the first seconds), and the superblock at unmount. It would overwrite the
 * guest's changes with old metadata. A read-only ext4 has written its caches back and does not write.
 */
import { MS_BIND, MS_RDONLY, MS_REMOUNT } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { NO_INIT_ITABLE, mountAt } from '../mounts/mount-table.ts';

/**
 * Remounts the file system read-only, until it is unmounted. There is no undo: the host's caches are outdated as soon as the guest has
 * written.
 * @param point the mount point on the host
 * @param table /proc/self/mountinfo
 * @throws KernelError EBUSY when the host has a file open for writing, EINVAL for a file system that cannot be remounted
 */
export function remountReadOnlyForGuest(kernel: Pick<Kernel, 'mount'>, point: string, table: string): void {
  const entry = mountAt(point, table);
  if (!entry || entry.isWhollyReadonly || entry.isHeld) return;
  kernel.mount('none', point, 'none', MS_REMOUNT | MS_RDONLY | entry.flags, NO_INIT_ITABLE);
  kernel.mount('none', point, 'none', MS_REMOUNT | MS_BIND | entry.flags); // the mount as it was
}
