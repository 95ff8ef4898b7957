/** A process is identified by its pid and its start time: the kernel may reuse the pid alone. */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot: field 22 of /proc/PID/stat, proc(5). */
  readonly startTime: string;
}

interface Stat {
  readonly state: string;
  readonly startTime: string;
  readonly threads: number;
  /** Clock ticks of CPU time, in user and in kernel mode. */
  readonly cpuTicks: number;
}

/** undefined when no process has that pid. */
function readStat(pid: number): Stat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command name in parentheses may contain ") ": fields are counted after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '?',
    startTime: fields[19] ?? '',
    threads: Number(fields[17]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
  };
}

/** The identity of a running process; undefined when no process has that pid. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** True while this process runs. A zombie counts as running while it has threads: they keep its files open, and therefore mounts busy. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  if (stat?.startTime !== identity.startTime) return false;
  return (stat.state !== 'Z' && stat.state !== 'X') || stat.threads > 1;
}

/** A process that SIGSTOP or a tracer has stopped is `stopped`. */
export function processState(identity: ProcessIdentity): 'running' | 'stopped' | 'ended' {
  if (!isAlive(identity)) return 'ended';
  return /^[Tt]$/.test(readStat(identity.pid)?.state ?? '') ? 'stopped' : 'running';
}

/** Sends a signal if this process still runs. @returns whether it was sent */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals | number): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false; // ended in between
  }
}

/** Milliseconds of a clock tick of /proc: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** CPU time that the process has used, in milliseconds; 0 when it has ended. */
export function cpuMilliseconds(identity: ProcessIdentity): number {
  const stat = readStat(identity.pid);
  return stat?.startTime === identity.startTime ? stat.cpuTicks * TICK_MS : 0;
}
