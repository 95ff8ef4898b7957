/** Whether a container's root file system is a whole disk, which the guest can mount. Pure. */
import { basename, dirname } from 'node:path';
import type { DiskFacts, WantedDisk } from './disk-plan.ts';
import { hostWouldCorrupt, mountAt, mountPointsBelow } from '../mounts/mount-table.ts';
import type { MountEntry } from '../mounts/mount-table.ts';

export interface RootfsDisk extends WantedDisk {
  readonly fstype: string;
  readonly options: readonly string[];
  /** Path of the root in the file system: the top, or the directory `rootfs` (docker's devicemapper). */
  readonly suffix: '' | '/rootfs';
  /** The host's mount point. */
  readonly heldAt: string;
}

/** File systems that the guest's kernel has. Others are shared as directories. */
const KNOWN = ['ext4', 'xfs'];

function whole(entry: MountEntry, hint: string, suffix: RootfsDisk['suffix'], { isReadonly }: DiskFacts): RootfsDisk | undefined {
  if (entry.root !== '/' || !KNOWN.includes(entry.fstype) || hostWouldCorrupt(entry)) return undefined;
  // The host writes to it through another mount, which must not become read-only; and the guest would replay its journal.
  if (entry.isReadonly && !entry.isWhollyReadonly && !entry.isHeld) return undefined;
  const readonly = entry.isReadonly || isReadonly(entry.number);
  // The host has mounted it, and xfs refuses to mount the same UUID twice.
  const options = [...(entry.fstype === 'xfs' ? ['nouuid'] : []), ...(readonly ? ['ro'] : [])];
  return {
    number: entry.number,
    hint,
    isReadonly: readonly,
    isMounted: true,
    fstype: entry.fstype,
    options,
    suffix,
    heldAt: suffix ? dirname(hint) : hint,
  };
}

/**
 * `table` is /proc/self/mountinfo. A root with other mounts inside does not qualify: the guest would not see them. Neither does a directory
 * `rootfs` whose bundle is on the same disk: such a disk has more than a root file system.
 */
export function planRootfs({ path, rootfs }: { path: string; rootfs: string }, table: string, facts: DiskFacts): RootfsDisk | undefined {
  const inside = mountPointsBelow(rootfs, table).filter((point) => point !== rootfs);
  if (inside.length > 0) return undefined;
  const own = mountAt(rootfs, table);
  if (own) return facts.kindOf(own.number) ? whole(own, rootfs, '', facts) : undefined;
  const above = dirname(rootfs);
  if (basename(rootfs) !== 'rootfs' || above === '/' || `${path}/`.startsWith(`${above}/`)) return undefined;
  const entry = mountAt(above, table);
  return entry && facts.kindOf(entry.number) === 'device-mapper' ? whole(entry, rootfs, '/rootfs', facts) : undefined;
}
