/** CPU time of ksmd, the kernel thread that merges: proc(5). */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** USER_HZ, the unit of times in /proc. */
const TICKS_PER_SECOND = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // a process that has ended
  }
}

/** User and system time in seconds, from the text of /proc/PID/stat. The name may contain blanks: fields are counted after its end. */
function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds of ksmd since boot; undefined where it is not visible, as in a PID namespace. The parent of kernel threads is PID 2. */
export function ksmdSeconds(proc: string): number | undefined {
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    const stat = read(join(proc, pid, 'stat'));
    if (/^\d+ \(ksmd\) \S 2 /.test(stat)) return cpuSeconds(stat);
  }
  return undefined;
}
