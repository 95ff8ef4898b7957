/**
 * The throttler as a state machine: a state, an event and the time give the next state. Pure. Times are milliseconds of
 * whatever clock the caller has.
 *
 *            kick (from any state, any number of times)
 *              ▼
 *   start ─► aggressive ─30 s─► standard ─120 s─► slow ─120 s─► initial
 *     └─120 s─────────────────────▲
 *
 * `fruitless` follows one arrow at once; `empty` leads to five seconds of slow, and then to initial.
 */
import { idleStep, kickSchedule, startSchedule, tidySchedule } from './schedule-plan.ts';
import type { Mode, Schedule } from './schedule-plan.ts';

export type ThrottleEvent =
  /** A new VM exists: this daemon saw its sandbox, or a trigger reported it. */
  | { readonly kind: 'kick'; readonly by: 'sandbox' | 'trigger' }
  /** Time has passed. */
  | { readonly kind: 'time' }
  /** Scanning no longer gains anything. */
  | { readonly kind: 'fruitless' }
  /** The last sandbox that this daemon saw has ended. */
  | { readonly kind: 'empty' };

export interface ThrottleState {
  /** Event that started the schedule. */
  readonly cause: 'start' | 'sandbox' | 'trigger';
  /** The current step and the next ones. */
  readonly steps: Schedule;
  /** When the current step ends; undefined for a step without an end. */
  readonly endsAt: number | undefined;
}

const begin = (cause: ThrottleState['cause'], steps: Schedule, now: number): ThrottleState => {
  const { lastsMs } = steps[0];
  return { cause, steps, endsAt: lastsMs === undefined ? undefined : now + lastsMs };
};

const following = ({ cause, steps: [, next = idleStep, ...rest] }: ThrottleState, now: number): ThrottleState =>
  begin(cause, [next, ...rest], now);

export const startState = (now: number): ThrottleState => begin('start', startSchedule, now);

export const modeOf = (state: ThrottleState): Mode => state.steps[0].mode;

/** The next state; the same object when the event changes nothing. */
export function advance(state: ThrottleState, event: ThrottleEvent, now: number): ThrottleState {
  switch (event.kind) {
    case 'kick':
      return begin(event.by, kickSchedule, now);
    case 'time':
      return state.endsAt !== undefined && now >= state.endsAt ? following(state, now) : state;
    case 'fruitless':
      return modeOf(state) === 'initial' ? state : following(state, now);
    case 'empty': // another trigger's kick may be for VMs that this daemon does not see
      return state.cause === 'sandbox' ? begin('sandbox', tidySchedule, now) : state;
  }
}
