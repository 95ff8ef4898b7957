/**
 * 1.x's schedule as data: the scan rate of each mode, and the order and duration of modes. Pure.
 * Every scan uses CPU time, so merging is aggressive only while there is something new to merge.
 */

/** `initial` has the host's own values. */
export type Mode = 'initial' | 'slow' | 'standard' | 'aggressive';

export interface ScanRate {
  /** One batch scans one in `divisor` pages of the anonymous memory. */
  readonly divisor: number;
  /** The pause between two batches. */
  readonly sleepMs: number;
}

export const scanRates: Readonly<Record<Exclude<Mode, 'initial'>, ScanRate>> = {
  slow: { divisor: 500, sleepMs: 100 },
  standard: { divisor: 100, sleepMs: 10 },
  aggressive: { divisor: 10, sleepMs: 1 },
};

export interface Step {
  readonly mode: Mode;
  /** Milliseconds until the next step begins; undefined for the last. */
  readonly lastsMs: number | undefined;
}

/** At least one step: the current one. */
export type Schedule = readonly [Step, ...Step[]];

const SECOND = 1000;
export const idleStep: Step = { mode: 'initial', lastsMs: undefined };

/** After a kick. */
export const kickSchedule: Schedule = [
  { mode: 'aggressive', lastsMs: 30 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  idleStep,
];

/**
 * After the end of the last sandbox. The kernel removes freed memory from its bookkeeping and its counters in its next scan, which takes
 * one batch and hardly any time.
 */
export const tidySchedule: Schedule = [{ mode: 'slow', lastsMs: 5 * SECOND }, idleStep];

/** After the daemon's start: nothing is written for the first two minutes. */
export const startSchedule: Schedule = [
  { mode: 'initial', lastsMs: 120 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  idleStep,
];
