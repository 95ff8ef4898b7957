/** Walks through the schedule; every kick starts it again. Timers only: an idle throttler costs nothing. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { KsmFiles, KsmValues } from './ksm-files.ts';
import { kickSchedule, settings, startSchedule } from './schedule-plan.ts';
import type { Mode, Step } from './schedule-plan.ts';

export interface Clock {
  /** Calls `act` once after `milliseconds`; gives what takes it back. */
  after(milliseconds: number, act: () => void): () => void;
}

export const realClock: Clock = {
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
};

export class Throttler {
  readonly #files: KsmFiles;
  readonly #initial: KsmValues;
  readonly #clock: Clock;
  readonly #log: Logger;
  #mode: Mode = 'initial';
  #cancel: () => void = () => {};

  /** `initial` is what is put back in the end. */
  constructor(files: KsmFiles, initial: KsmValues, clock: Clock, log: Logger) {
    this.#files = files;
    this.#initial = initial;
    this.#clock = clock;
    this.#log = log;
  }

  get mode(): Mode {
    return this.#mode;
  }

  start(): void {
    this.#walk(startSchedule);
  }

  /** A VM has appeared: merge hard, from now on. */
  kick(): void {
    this.#walk(kickSchedule);
  }

  /** Puts back what the host had. */
  stop(): void {
    this.#cancel();
    this.#files.write(this.#initial);
  }

  #walk([step, ...rest]: readonly Step[]): void {
    this.#cancel();
    if (!step) return;
    this.#enter(step.mode);
    if (step.lastsMs !== undefined) this.#cancel = this.#clock.after(step.lastsMs, () => this.#walk(rest));
  }

  #enter(mode: Mode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#log.info('mode', { mode });
    if (mode === 'initial') this.#files.write(this.#initial);
    else this.#files.tune(settings[mode]);
  }
}
