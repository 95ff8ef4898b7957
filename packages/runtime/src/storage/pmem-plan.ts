/**
 * Volumes on images of NVDIMMs (1.x): directories where the host has mounted a loop device whose file begins with a PFN superblock. The
 * guest maps the file itself, without a page cache of its own. Pure.
 */
import type { Mount } from '@kata-containers/common/oci/spec';
import { STORAGE } from './disk-plan.ts';
import type { DiskVolume } from './disk-plan.ts';
import { hostWouldCorrupt, mountAt } from '../mounts/mount-table.ts';
import { isBind } from './is-bind.ts';
import { readOnlyPart } from './read-only-part.ts';
import { shareEntryName } from './share-entry-name.ts';

export interface PmemImage {
  readonly path: string;
  /** Identifies the file, independent of its path. */
  readonly number: string;
}

export interface PmemFacts {
  /** The image behind the loop device of that number, if the device shows the same data as an NVDIMM would. */
  imageOf(number: string): PmemImage | undefined;
  isReadonly(number: string): boolean;
}

/** `table` is /proc/self/mountinfo. A subdirectory of a file system is not possible: the guest would mount the whole file system. */
export function planPmemVolumes(mounts: readonly Mount[], table: string, facts: PmemFacts, newName: () => string): DiskVolume[] {
  return mounts.flatMap((mount): DiskVolume[] => {
    const { source = '', destination, options = [] } = mount;
    const entry = isBind(mount) && source.startsWith('/') ? mountAt(source, table) : undefined;
    const image = entry?.root === '/' ? facts.imageOf(entry.number) : undefined;
    if (!entry || !image || hostWouldCorrupt(entry)) return [];
    const isReadonly = entry.isWhollyReadonly || facts.isReadonly(entry.number);
    // The guest would replay the journal while the host writes to the file system. It is shared instead, read-only.
    if (!isReadonly && (entry.isReadonly || readOnlyPart(options) !== 'none')) return [];
    const disk = { number: image.number, hint: source, isReadonly, isMounted: true, image: image.path };
    const point = `${STORAGE}/${shareEntryName(newName(), destination)}`;
    const args = ['dax', ...(isReadonly ? ['ro'] : [])];
    return [{ disk, mount, fstype: entry.fstype, options: args, point, moved: { ...mount, source: point } }];
  });
}
