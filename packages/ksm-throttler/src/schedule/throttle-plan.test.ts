import assert from 'node:assert/strict';
import { advance, modeOf, startState } from './throttle-plan.ts';
import type { ThrottleEvent, ThrottleState } from './throttle-plan.ts';

const events: Readonly<Record<string, ThrottleEvent>> = {
  time: { kind: 'time' },
  fruitless: { kind: 'fruitless' },
  empty: { kind: 'empty' },
  sandbox: { kind: 'kick', by: 'sandbox' },
  trigger: { kind: 'kick', by: 'trigger' },
};

/** `happenings` are events with the second at which they occur. */
function play(happenings: string): ThrottleState {
  let state = startState(0);
  for (const [, name = '', second] of happenings.matchAll(/(\w+)@(\d+)/g)) {
    const event = events[name];
    assert.ok(event, name);
    state = advance(state, event, Number(second) * 1000);
  }
  return state;
}

describe('the state machine', () => {
  const cases: [name: string, happenings: string, mode: string, endsAtSeconds: number | undefined][] = [
    ['start', '', 'initial', 120],
    ['start, 119 s', 'time@119', 'initial', 120],
    ['start, 120 s', 'time@120', 'standard', 240],
    ['start, 240 s', 'time@120 time@240', 'slow', 360],
    ['start, 360 s: at rest', 'time@120 time@240 time@360', 'initial', undefined],
    ['a kick at once', 'trigger@0', 'aggressive', 30],
    ['kick, 29 s', 'trigger@5 time@34', 'aggressive', 35],
    ['kick, 30 s', 'trigger@5 time@35', 'standard', 155],
    ['kick, 150 s', 'trigger@0 time@30 time@150', 'slow', 270],
    ['kick, 270 s: at rest', 'trigger@0 time@30 time@150 time@270', 'initial', undefined],
    ['a kick in aggressive restarts it', 'trigger@0 trigger@29 time@30', 'aggressive', 59],
    ['a kick in standard', 'trigger@0 time@30 sandbox@40', 'aggressive', 70],
    ['a kick in slow', 'trigger@0 time@30 time@150 trigger@160', 'aggressive', 190],
    ['a kick at rest', 'trigger@0 time@30 time@150 time@270 trigger@5000', 'aggressive', 5030],
    ['nothing to gain in aggressive', 'trigger@0 fruitless@10', 'standard', 130],
    ['nothing to gain in standard', 'trigger@0 fruitless@10 fruitless@20', 'slow', 140],
    ['nothing to gain in slow', 'trigger@0 fruitless@10 fruitless@20 fruitless@30', 'initial', undefined],
    ['nothing is scanned during the wait at the start', 'fruitless@60', 'initial', 120],
    ['the last sandbox ends: the kernel drops its bookkeeping', 'sandbox@0 empty@10', 'slow', 15],
    ['5 s after the end of the last sandbox', 'sandbox@0 empty@10 time@15', 'initial', undefined],
    ['the last sandbox ends in standard', 'sandbox@0 time@30 empty@40', 'slow', 45],
    ['the last sandbox ends at rest', 'sandbox@0 time@30 time@150 time@270 empty@999', 'slow', 1004],
    ["another trigger's VMs may still run", 'sandbox@0 trigger@5 empty@10', 'aggressive', 35],
    ['the start schedule is not shortened', 'empty@10', 'initial', 120],
    ['at rest nothing changes without an event', 'sandbox@0 empty@10 time@15 time@9999', 'initial', undefined],
  ];
  for (const [name, happenings, mode, endsAtSeconds] of cases)
    it(name, () => {
      const state = play(happenings);
      assert.equal(modeOf(state), mode);
      assert.equal(state.endsAt, endsAtSeconds === undefined ? undefined : endsAtSeconds * 1000);
    });

  it('returns the same object without a change', () => {
    const state = startState(0);
    for (const name of ['time', 'fruitless', 'empty']) {
      const event = events[name];
      assert.ok(event);
      assert.equal(advance(state, event, 1), state);
    }
  });
});
