/**
 * 1.x's schedule as data: how hard merging works in each mode, and what comes after how long. Pure.
 * Merging burns CPU on every scan, so it runs hard only while there is something new to merge.
 */

/** `initial` is what the host had before us. */
export type Mode = 'initial' | 'slow' | 'standard' | 'aggressive';

export interface Setting {
  /** One batch looks at this part of the anonymous memory: one in `divisor` pages. */
  readonly divisor: number;
  /** The pause between two batches. */
  readonly sleepMs: number;
}

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

/** At least the step that is. */
export type Schedule = readonly [Step, ...Step[]];

const SECOND = 1000;
export const idleStep: Step = { mode: 'initial', lastsMs: undefined };

/** From a kick on. */
export const kickSchedule: Schedule = [
  { mode: 'aggressive', lastsMs: 30 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  idleStep,
];

/**
 * From the end of the last sandbox on. Of memory that has gone the kernel drops its bookkeeping, and takes it out of its
 * numbers, when it next scans: that takes one batch, and next to no time.
 */
export const tidySchedule: Schedule = [{ mode: 'slow', lastsMs: 5 * SECOND }, idleStep];

/** From the daemon's start on: nothing is written for the first two minutes. */
export const startSchedule: Schedule = [
  { mode: 'initial', lastsMs: 120 * SECOND },
  { mode: 'standard', lastsMs: 120 * SECOND },
  { mode: 'slow', lastsMs: 120 * SECOND },
  idleStep,
];
