/** The values to write to /sys/kernel/mm/ksm, in order. Pure. Linux, Documentation/admin-guide/mm/ksm.rst. */
import type { ScanRate } from '../schedule/schedule-plan.ts';

/** Values as the kernel prints them. */
export interface KsmValues {
  readonly run: string;
  readonly pages_to_scan: string;
  readonly sleep_millisecs: string;
  /** Linux 6.8 and later: every advisor but `none` sets pages_to_scan itself and refuses writes to it. */
  readonly advisor_mode?: string;
}

export type AttributeName = keyof KsmValues;
export type AttributeWrite = readonly [name: AttributeName, value: string];

/** AnonPages of /proc/meminfo; 0 when it is missing. */
export const anonKiB = (meminfo: string): number => Number(/^AnonPages:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0);

/** Pages in one batch. Pages are 4 KiB on amd64, the only supported architecture. */
export function pagesToScan(anonymousKiB: number, divisor: number, pageBytes = 4096): number {
  return Math.max(1, Math.floor((anonymousKiB * 1024) / pageBytes / divisor));
}

export function tunedValues({ divisor, sleepMs }: ScanRate, anonymousKiB: number, { advisor_mode }: KsmValues): KsmValues {
  const values = { run: '1', pages_to_scan: String(pagesToScan(anonymousKiB, divisor)), sleep_millisecs: String(sleepMs) };
  return advisor_mode === undefined ? values : { ...values, advisor_mode: 'none' };
}

/**
 * From one set of values to another, writing only what differs: each change of `run` waits for the batch that is being
 * scanned. Merging stops first and starts last. Choosing an advisor overwrites pages_to_scan, so that is written after
 * `none` and before any other.
 */
export function writesBetween(from: KsmValues, to: KsmValues): AttributeWrite[] {
  const stop = to.run !== '1' && from.run === '1';
  const unadvised = from.advisor_mode !== undefined && from.advisor_mode !== 'none';
  const advised = to.advisor_mode !== undefined && to.advisor_mode !== 'none';
  const changed = (name: AttributeName, force = false): AttributeWrite[] =>
    force || from[name] !== to[name] ? [[name, to[name] ?? '']] : [];
  return [
    ...(stop ? ([['run', '0']] as const) : []),
    ...(unadvised ? ([['advisor_mode', 'none']] as const) : []),
    ...changed('pages_to_scan', unadvised),
    ...changed('sleep_millisecs'),
    ...(advised ? ([['advisor_mode', to.advisor_mode]] as const) : []),
    ...(stop && to.run === '0' ? [] : changed('run')),
  ];
}
