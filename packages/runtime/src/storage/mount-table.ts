/** /proc/self/mountinfo (proc(5)), the truth about what is mounted. */
import { readFileSync } from 'node:fs';

/** Octal escapes stand for space, tab, line feed and backslash. */
const unescape = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Mount points at `path` or below, the last mounted first: the order to unmount them in. */
export function mountPointsBelow(path: string, table: string): string[] {
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [Buffer.from(unescape(point), 'latin1').toString('utf8')];
  });
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).toReversed();
}

export const readMountTable = (): string => readFileSync('/proc/self/mountinfo', 'latin1');
