import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from './process-identity.ts';

/** Milliseconds of a clock tick: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Start time of a process in milliseconds since 1970, accurate to a second (btime of /proc/stat, proc(5)); undefined without /proc. */
export function startTimeMs({ startTime }: ProcessIdentity): number | undefined {
  try {
    const [, seconds] = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1')) ?? [];
    return seconds === undefined ? undefined : Number(seconds) * 1000 + Number(startTime) * TICK_MS;
  } catch {
    return undefined;
  }
}
