/** Processes that the kernel has killed: the cause of a failure that no program can report. */
import { spawnSync } from 'node:child_process';
import { uptime } from 'node:os';

const DEATH = /segfault|traps:|general protection|Killed process|audit:.* sig=|BUG:/;
const MOST = 10;

/** The lines about such processes of `log`, dmesg(1)'s output, from `second` of the uptime on: the last ten. */
export function deathsIn(log: string, second: number): string[] {
  const lines = log.split('\n').filter((line) => Number(/^\[\s*(\d+\.\d+)\]/.exec(line)?.[1] ?? 0) >= second && DEATH.test(line));
  return lines.slice(-MOST);
}

/** Deaths since a point in time, in milliseconds since 1970. Empty if dmesg cannot be run. */
export const deathsSince = (time: number): string[] =>
  deathsIn(spawnSync('dmesg', { encoding: 'utf8' }).stdout ?? '', uptime() - (Date.now() - time) / 1000);
