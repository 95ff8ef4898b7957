/** Advances the state machine by time and events, and applies its modes. It uses timers only: in the initial mode it uses no CPU time. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Ksm } from '../kernel/ksm.ts';
import type { KsmValues } from '../kernel/tuning-plan.ts';
import { judge } from '../schedule/gain-plan.ts';
import type { Gain } from '../schedule/gain-plan.ts';
import { scanRates } from '../schedule/schedule-plan.ts';
import { advance, modeOf, startState } from '../schedule/throttle-plan.ts';
import type { ThrottleEvent, ThrottleState } from '../schedule/throttle-plan.ts';
import type { Clock } from './clock.ts';

/** Interval of the checks of the gain while merging runs. */
const LOOK_MS = 10_000;

export interface ThrottlerParts {
  readonly ksm: Ksm;
  /** The host's own values, which are restored at the end. */
  readonly initial: KsmValues;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether a mode without gain ends early; in 1.x it never does. */
  readonly backOff: boolean;
  /** Called for each new state. */
  readonly onState: (state: ThrottleState) => void;
}

export class Throttler {
  readonly #parts: ThrottlerParts;
  #state: ThrottleState;
  /** The gain at the start of the current mode, or at its last increase. */
  #since: Gain;
  #cancel: () => void = () => {};

  constructor(parts: ThrottlerParts) {
    this.#parts = parts;
    this.#state = startState(parts.clock.now());
    this.#since = parts.ksm.gain();
  }

  get state(): ThrottleState {
    return this.#state;
  }

  start(): void {
    this.#parts.onState(this.#state);
    this.#arm();
  }

  /** A VM has appeared: merge aggressively from now on. */
  kick(by: 'sandbox' | 'trigger'): void {
    this.#take({ kind: 'kick', by });
  }

  /** The last sandbox has ended. */
  empty(): void {
    this.#take({ kind: 'empty' });
  }

  /** Restores the host's values and stops. @throws KataError */
  stop(): void {
    this.#cancel();
    this.#parts.ksm.restore(this.#parts.initial);
  }

  #take(event: ThrottleEvent): void {
    const before = this.#state;
    this.#state = advance(before, event, this.#parts.clock.now());
    if (this.#state !== before) this.#enter(event);
    this.#arm();
  }

  #enter(event: ThrottleEvent): void {
    const { ksm, log, initial, onState } = this.#parts;
    const mode = modeOf(this.#state);
    this.#since = ksm.gain();
    try {
      if (mode === 'initial') ksm.restore(initial);
      else ksm.tune(scanRates[mode]);
      const { run, pages_to_scan, sleep_millisecs } = ksm.values();
      log.info('mode', { mode, because: event.kind, run, pages_to_scan, sleep_millisecs });
    } catch (error) {
      log.error('mode cannot be set', { mode, reason: errorMessage(error) }); // the next step may succeed
    }
    onState(this.#state);
  }

  #wake(): void {
    const before = this.#state;
    this.#take({ kind: 'time' });
    if (this.#state === before && this.#watchesGain) this.#look();
  }

  #look(): void {
    const gain = this.#parts.ksm.gain();
    const verdict = judge(this.#since, gain);
    this.#parts.log.debug('gain', { verdict, savedBytes: gain.savedBytes, before: this.#since.savedBytes, fullScans: gain.fullScans });
    if (verdict === 'earning') this.#since = gain;
    if (verdict === 'fruitless') this.#take({ kind: 'fruitless' });
  }

  get #watchesGain(): boolean {
    return this.#parts.backOff && modeOf(this.#state) !== 'initial';
  }

  #arm(): void {
    this.#cancel();
    const { clock } = this.#parts;
    const endMs = this.#state.endsAt === undefined ? Infinity : this.#state.endsAt - clock.now();
    const waitMs = Math.min(endMs, this.#watchesGain ? LOOK_MS : Infinity);
    this.#cancel = waitMs === Infinity ? () => {} : clock.after(Math.max(0, waitMs), () => this.#wake());
  }
}
