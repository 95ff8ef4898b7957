/**
 * Keeps the host from writing to a file system that a guest is given the disk of. ext4 that is mounted for writing writes without being
 * asked: the time of the last access when a directory is read, inode tables that mkfs left to be zeroed (a thread, in the first seconds), and at
 * its unmount the superblock; each time with the groups and inodes of before. Read-only it does none of that, and has written all back.
 */
import { MS_BIND, MS_RDONLY, MS_REMOUNT } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { NO_INIT_ITABLE, mountAt } from '../mounts/mount-table.ts';

/**
 * Nothing is to be undone: what the host remembers of the file system is old as soon as the guest has written. It stays so until it is unmounted.
 * @param point where the host has it mounted
 * @param table /proc/self/mountinfo
 * @throws KernelError EBUSY when the host has a file open for writing, EINVAL for a file system that cannot be held
 */
export function remountReadOnlyForGuest(kernel: Pick<Kernel, 'mount'>, point: string, table: string): void {
  const entry = mountAt(point, table);
  if (!entry || entry.isWhollyReadonly || entry.isHeld) return;
  kernel.mount('none', point, 'none', MS_REMOUNT | MS_RDONLY | entry.flags, NO_INIT_ITABLE);
  kernel.mount('none', point, 'none', MS_REMOUNT | MS_BIND | entry.flags); // the mount as it was
}
