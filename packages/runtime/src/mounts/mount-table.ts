/** /proc/self/mountinfo (proc(5)), the truth about what is mounted. */
import { readFileSync } from 'node:fs';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '@kata-containers/common/kernel/constants';

/** Octal escapes stand for space, tab, line feed and backslash. */
const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const decode = (point: string): string => Buffer.from(unescapeOctal(point), 'latin1').toString('utf8');

/** Mount points at `path` or below, the last mounted first: the order to unmount them in. */
export function mountPointsBelow(path: string, table: string): string[] {
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [decode(point)];
  });
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

export interface MountEntry {
  /** Number of the device, `major:minor`. */
  readonly number: string;
  /** Which directory of the file system is mounted. */
  readonly root: string;
  readonly fstype: string;
  readonly isReadonly: boolean;
  /** Not this mount of it alone, but the file system itself. */
  readonly isWhollyReadonly: boolean;
  /** The host can write to it no more, for a guest's sake (`remount-read-only-for-guest.ts`). That is not what it was mounted for: `isWhollyReadonly` is false. */
  readonly isHeld: boolean;
  /** MS_* of this mount, as it is mounted for writing, that a remount has to name again, or they are gone. */
  readonly flags: number;
  /** Options of the file system, as the kernel lists them. */
  readonly superOptions: readonly string[];
}

/**
 * A file system that the host has mounted for writing is `ro` with this option while a guest has it: the kernel keeps the sign as long as the
 * file system is mounted, and no longer. The mount itself stays `rw`; one that a user makes with these options is `ro`.
 */
export const NO_INIT_ITABLE = 'noinit_itable';

const FLAGS: Readonly<Record<string, number>> = { nosuid: MS_NOSUID, nodev: MS_NODEV, noexec: MS_NOEXEC };

/** What is mounted exactly at `path`, the topmost if there are several. */
export function mountAt(path: string, table: string): MountEntry | undefined {
  const line = table.split('\n').findLast((text) => decode(text.split(' ')[4] ?? '') === path);
  const [left = '', right = ''] = line?.split(' - ') ?? [];
  const [, , number, root, , options = ''] = left.split(' ');
  const [fstype, , own = ''] = right.split(' ');
  if (number === undefined || root === undefined || fstype === undefined) return undefined;
  const says = (args: string, word: string): boolean => args.split(',').includes(word);
  const isHeld = says(own, 'ro') && says(own, NO_INIT_ITABLE);
  const isWhollyReadonly = says(own, 'ro') && !isHeld;
  const isReadonly = isWhollyReadonly || says(options, 'ro');
  const flags = options.split(',').reduce((sum, word) => sum | (FLAGS[word] ?? 0), 0);
  return { number, root: decode(root), fstype, isReadonly, isWhollyReadonly, isHeld, flags, superOptions: own.split(',') };
}

export const readMountTable = (): string => readFileSync('/proc/self/mountinfo', 'latin1');

/**
 * True when the host, that has this mounted, spoils what a guest writes to it. xfs keeps changes for its unmount whatever is synchronised
 * before (syncfs, or freezing it): then it writes them, its own free space and the end of its log over what the guest has written.
 * Directories made by the guest were gone. ext4 can be kept from it (`remount-read-only-for-guest.ts`).
 */
export const hostWouldCorrupt = ({ fstype, isWhollyReadonly }: MountEntry): boolean => fstype === 'xfs' && !isWhollyReadonly;
