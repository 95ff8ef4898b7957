/** Parses the files of cgroups. Pure. A file that is missing or malformed counts as zero, as in runc. */
import type { BlkioStatsEntry } from '@kata-containers/common/generated/agent';

/** The largest 64-bit number: "no limit" in version 1 and in 1.x's messages. */
export const UNLIMITED = 2n ** 64n - 1n;

/** A file of one number; `max` means no limit. */
export function parseNumber(text: string): bigint {
  const word = text.trim();
  if (word === 'max') return UNLIMITED;
  return /^\d+$/.test(word) ? BigInt(word) : 0n;
}

/** A file of lines `key number`. */
export function parseTable(text: string): Record<string, bigint> {
  const rows = text.split('\n').flatMap((line) => {
    const [, key, value] = /^(\S+) (\d+)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, BigInt(value)] as const];
  });
  return Object.fromEntries(rows);
}

/** A line of numbers. */
export const parseNumbers = (text: string): bigint[] => (text.match(/\d+/g) ?? []).map(BigInt);

/** blkio files of version 1: lines `8:0 Read 4096`, and a last `Total 4096`. */
export function parseBlockTable(text: string): BlkioStatsEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, op = '', value] = /^(\d+):(\d+) (?:([A-Za-z]+) )?(\d+)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined || value === undefined) return [];
    return [{ major: BigInt(major), minor: BigInt(minor), op, value: BigInt(value) }];
  });
}

/** io.stat of version 2: lines `8:0 rbytes=1 wbytes=2 …`. Gives the entries whose key is in `operations`. */
export function parseIoStat(text: string, operations: Readonly<Record<string, string>>): BlkioStatsEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined) return [];
    return [...rest.matchAll(/([a-z]+)=(\d+)/g)].flatMap(([, key = '', value = '0']) => {
      const op = operations[key];
      return op === undefined ? [] : [{ major: BigInt(major), minor: BigInt(minor), op, value: BigInt(value) }];
    });
  });
}
