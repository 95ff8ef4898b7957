/** Whether a container's root file system is the whole of a disk, which the guest can mount by itself. Pure. */
import { basename, dirname } from 'node:path';
import type { DiskFacts, WantedDisk } from './disk-plan.ts';
import { hostWouldCorrupt, mountAt, mountPointsBelow } from '../mounts/mount-table.ts';
import type { MountEntry } from '../mounts/mount-table.ts';

export interface RootfsDisk extends WantedDisk {
  readonly fstype: string;
  readonly options: readonly string[];
  /** Where the root is in the file system: at its top, or in its directory `rootfs` (docker's devicemapper). */
  readonly suffix: '' | '/rootfs';
  /** Where the host has it mounted. */
  readonly heldAt: string;
}

/** File systems of disks that our guest's kernel has. Others are shared, as directories are. */
const KNOWN = ['ext4', 'xfs'];

function whole(entry: MountEntry, hint: string, suffix: RootfsDisk['suffix'], { isReadonly }: DiskFacts): RootfsDisk | undefined {
  if (entry.root !== '/' || !KNOWN.includes(entry.fstype) || hostWouldCorrupt(entry)) return undefined;
  // By another mount the host writes to it, which is not to end for one who only reads; and the guest would have to replay its journal.
  if (entry.isReadonly && !entry.isWhollyReadonly && !entry.isHeld) return undefined;
  const readonly = entry.isReadonly || isReadonly(entry.number);
  // The host has it mounted too, and xfs does not mount one UUID twice.
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
 * `table` is /proc/self/mountinfo. A root with other mounts inside is not: the guest would not see them. Nor is a directory `rootfs` whose
 * bundle lies on the same disk: more than a root file system is on that one.
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
