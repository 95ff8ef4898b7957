/**
 * 1.x's schedule as data: how hard merging works in each mode, and what comes after how long. Pure.
 * Merging burns CPU on every scan, so it runs hard only while there is something new to merge.
 */

export type Mode = 'initial' | 'slow' | 'standard' | 'aggressive';

export interface Setting {
  /** A scan looks at this part of the anonymous memory: one in `divisor` pages. */
  readonly divisor: number;
  readonly sleepMs: number;
}

/** `initial` is what the host had before us. */
export const settings: Readonly<Record<Exclude<Mode, 'initial'>, Setting>> = {
  slow: { divisor: 500, sleepMs: 100 },
  standard: { divisor: 100, sleepMs: 10 },
  aggressive: { divisor: 10, sleepMs: 1 },
};

export interface Step {
  readonly mode: Mode;
  /** Milliseconds after which the next step comes; undefined for the last. */
  readonly lastsMs: number | undefined;
}

const SECOND = 1000;

/** From a kick on. */
export const kickSchedule: readonly Step[] = [
  { mode: 'aggressive', lastsMs: 30 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  { mode: 'initial', lastsMs: undefined },
];

/** From the daemon's start on: nothing is written for the first two minutes. */
export const startSchedule: readonly Step[] = [
  { mode: 'initial', lastsMs: 120 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  { mode: 'initial', lastsMs: undefined },
];

/** Pages a scan looks at. `anonKiB` is AnonPages of /proc/meminfo. */
export function pagesToScan(anonKiB: number, pageBytes: number, divisor: number): number {
  return Math.max(1, Math.floor((anonKiB * 1024) / pageBytes / divisor));
}
