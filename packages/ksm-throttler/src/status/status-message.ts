/** The status as text for people. Pure. */
import { savedBytes } from '../kernel/ksm.ts';
import type { MergeCounters } from '../kernel/ksm.ts';
import type { KsmValues } from '../kernel/tuning-plan.ts';
import type { DaemonRecord } from './parse-daemon-record.ts';

export interface Status {
  /** Undefined without a daemon's record. */
  readonly daemon: DaemonRecord | undefined;
  readonly isAlive: boolean;
  readonly values: KsmValues;
  readonly merged: MergeCounters;
  /** Undefined where ksmd is not visible. */
  readonly ksmdSeconds: number | undefined;
  readonly now: Date;
}

const PAGE_BYTES = 4096;
const mib = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;

function daemonLine({ daemon, isAlive }: Status): string {
  if (!daemon) return 'not running';
  if (!isAlive) return `not running: pid ${daemon.pid} was killed, and the next start (or -restore) restores the host's values`;
  return `running, pid ${daemon.pid}`;
}

function modeLine({ daemon, isAlive, now }: Status): string {
  if (!daemon || !isAlive) return 'none';
  const { mode, next, endsAt } = daemon;
  const name = mode === 'initial' ? "initial (the host's own values)" : mode;
  if (next === undefined || endsAt === undefined) return `${name}, until the next sandbox`;
  return `${name}, ${next} in ${Math.max(0, Math.round((Date.parse(endsAt) - now.getTime()) / 1000))} s`;
}

function kernelLine({ values: { run, pages_to_scan, sleep_millisecs, advisor_mode = 'none' } }: Status): string {
  if (run === '2') return 'off, and everything unmerged (run=2)';
  if (run !== '1') return `off: what is merged stays merged, nothing is added (run=${run})`;
  if (advisor_mode !== 'none') return `on, pages chosen by the kernel's advisor (${advisor_mode}), every ${sleep_millisecs} ms`;
  return `on, ${pages_to_scan} pages every ${sleep_millisecs} ms`;
}

/** The kernel updates its counters while it scans: memory that was freed since then is still counted. */
const asOf = ({ values: { run } }: Status): string => (run === '1' ? '' : ' when last scanned');

function savedLine(status: Status): string {
  const { merged } = status;
  const gross = `${mib(merged.saved * PAGE_BYTES)}${asOf(status)}`;
  return merged.profitBytes === undefined ? gross : `${gross}, ${mib(merged.profitBytes)} net of the kernel's bookkeeping`;
}

function costLine({ ksmdSeconds }: Status): string {
  return ksmdSeconds === undefined
    ? 'unknown: ksmd is not visible in this PID namespace'
    : `${seconds(ksmdSeconds)} of CPU by ksmd since boot`;
}

function kickLine({ daemon, isAlive, merged, ksmdSeconds }: Status): string | undefined {
  if (!daemon?.atKick || !isAlive || ksmdSeconds === undefined) return undefined;
  const gained = savedBytes(merged) - daemon.atKick.savedBytes;
  return `${gained < 0 ? '' : '+'}${mib(gained)} for ${seconds(ksmdSeconds - daemon.atKick.ksmdSeconds)} of CPU`;
}

/** Some lines, each with its line feed. */
export function statusMessage(status: Status): string {
  const rows: readonly [string, string | undefined][] = [
    ['throttler', daemonLine(status)],
    ['mode', modeLine(status)],
    ['merging', kernelLine(status)],
    ['pages shared', `${status.merged.saved} freed, ${status.merged.kept} shared copies kept`],
    ['memory saved', savedLine(status)],
    ['cost', costLine(status)],
    ['last kick', kickLine(status)],
  ];
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [`${`${name}:`.padEnd(14)}${text}\n`])).join('');
}
