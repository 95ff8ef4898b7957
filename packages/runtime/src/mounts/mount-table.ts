/** Parses /proc/self/mountinfo (proc(5)). */
import { readFileSync } from 'node:fs';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '@kata-containers/common/kernel/constants';

/** Octal escapes stand for space, tab, line feed and backslash. */
const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const decode = (point: string): string => Buffer.from(unescapeOctal(point), 'latin1').toString('utf8');

const pointOf = (line: string): string | undefined => {
  const point = line.split(' ')[4];
  return point === undefined ? undefined : decode(point);
};

/** Mount points at `path` or below, the last mounted first, which is the order for unmounting. */
export function mountPointsBelow(path: string, table: string): string[] {
  const points = table.split('\n').flatMap((line) => pointOf(line) ?? []);
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

export interface MountEntry {
  /** Number of the device, `major:minor`. */
  readonly number: string;
  /** Directory of the file system that is mounted. */
  readonly root: string;
  readonly fstype: string;
  readonly isReadonly: boolean;
  /** The file system itself is read-only, not only this mount. */
  readonly isWhollyReadonly: boolean;
  /** Remounted read-only for a guest (`remount-read-only-for-guest.ts`). `isWhollyReadonly` is false then. */
  readonly isHeld: boolean;
  /** MS_* flags of this mount, without MS_RDONLY, which a remount must repeat to keep them. */
  readonly flags: number;
  /** Options of the file system, as the kernel lists them. */
  readonly superOptions: readonly string[];
}

/**
 * Marks a file system that was mounted read-write and is `ro` while a guest uses it: the kernel keeps the option as long as the
 * file system is mounted. The mount itself stays `rw`; a mount that a user makes with these options is `ro`.
 */
export const NO_INIT_ITABLE = 'noinit_itable';

const FLAGS: Readonly<Record<string, number>> = { nosuid: MS_NOSUID, nodev: MS_NODEV, noexec: MS_NOEXEC };

function parseEntry(line: string): MountEntry | undefined {
  const [left = '', right = ''] = line.split(' - ');
  const [, , number, root, , options = ''] = left.split(' ');
  const [fstype, , own = ''] = right.split(' ');
  if (number === undefined || root === undefined || fstype === undefined) return undefined;
  const hasOption = (list: string, option: string): boolean => list.split(',').includes(option);
  const isHeld = hasOption(own, 'ro') && hasOption(own, NO_INIT_ITABLE);
  const isWhollyReadonly = hasOption(own, 'ro') && !isHeld;
  const isReadonly = isWhollyReadonly || hasOption(options, 'ro');
  const flags = options.split(',').reduce((sum, option) => sum | (FLAGS[option] ?? 0), 0);
  return { number, root: decode(root), fstype, isReadonly, isWhollyReadonly, isHeld, flags, superOptions: own.split(',') };
}

/** The mount exactly at `path`, the topmost if there are several. */
export const mountAt = (path: string, table: string): MountEntry | undefined =>
  parseEntry(table.split('\n').findLast((line) => pointOf(line) === path) ?? '');

/** Whether one of the mounts below `path` is writable. Mounts that others hide count, too. */
export function hasWritableMountBelow(path: string, table: string): boolean {
  const prefix = path === '/' ? path : `${path}/`;
  const below = table.split('\n').filter((line) => {
    const point = pointOf(line);
    return point !== undefined && point !== '/' && point.startsWith(prefix);
  });
  return below.some((line) => parseEntry(line)?.isReadonly === false);
}

export const readMountTable = (): string => readFileSync('/proc/self/mountinfo', 'latin1');

/**
 * True when the host's mount would corrupt the guest's writes. xfs keeps changes until it is unmounted, despite syncfs and freezing: at
 * unmount it overwrites the guest's data with its free space counters and the end of its log, and directories of the guest are lost. ext4
 * can be remounted read-only (`remount-read-only-for-guest.ts`).
 */
export const hostWouldCorrupt = ({ fstype, isWhollyReadonly }: MountEntry): boolean => fstype === 'xfs' && !isWhollyReadonly;
