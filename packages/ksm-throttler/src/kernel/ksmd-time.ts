/** CPU time of ksmd, the kernel thread that merges: proc(5). */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** USER_HZ, in which Linux tells times to programs. */
const TICKS_PER_SECOND = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // a process that has ended
  }
}

/** User and system time in seconds of a line of /proc/PID/stat. The name in it may hold blanks: count after its end. */
function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Seconds that ksmd has run since boot; undefined where it is not to be seen, as in a PID namespace. Kernel threads have PID 2 for parent. */
export function ksmdSeconds(proc: string): number | undefined {
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const stat = read(join(proc, pid, 'stat'));
    if (/^\d+ \(ksmd\) \S 2 /.test(stat)) return cpuSeconds(stat);
  }
  return undefined;
}
