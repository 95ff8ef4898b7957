/** /proc/self/mountinfo (proc(5)), the truth about what is mounted. */
import { readFileSync } from 'node:fs';

/** Octal escapes stand for space, tab, line feed and backslash. */
const unescape = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const decode = (point: string): string => Buffer.from(unescape(point), 'latin1').toString('utf8');

/** Mount points at `path` or below, the last mounted first: the order to unmount them in. */
export function mountPointsBelow(path: string, table: string): string[] {
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [decode(point)];
  });
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

/** Type of the file system whose mount point is exactly `path`, the topmost if there are several. */
export function mountedType(path: string, table: string): string | undefined {
  const line = table.split('\n').findLast((text) => decode(text.split(' ')[4] ?? '') === path);
  return line?.split(' - ')[1]?.split(' ')[0];
}

export const readMountTable = (): string => readFileSync('/proc/self/mountinfo', 'latin1');
