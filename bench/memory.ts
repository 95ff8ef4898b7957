/** Memory of the processes of one idle container. */
import { readFileSync, readdirSync } from 'node:fs';

export interface Memory {
  readonly pssMiB: number;
  readonly privateMiB: number;
}

const field = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;

/** smaps_rollup, proc(5), of the first process whose command line matches. */
export function memoryOf(pattern: RegExp): Memory {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!pattern.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) continue;
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
      return { pssMiB: field(rollup, 'Pss'), privateMiB: field(rollup, 'Private_Clean') + field(rollup, 'Private_Dirty') };
    } catch {
      // a process that has ended
    }
  }
  throw new Error(`no process matches ${pattern}`);
}
