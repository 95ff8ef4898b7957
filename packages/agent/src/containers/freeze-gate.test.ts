import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { FreezeGate } from './freeze-gate.ts';

/** Work of the gate that ends when the test calls `end` or `fail`, and what has begun and ended until then. */
function rig() {
  const gate = new FreezeGate();
  const events: string[] = [];
  const work = (name: string) => {
    const end = Promise.withResolvers<void>();
    const run = async (): Promise<void> => {
      events.push(name);
      await end.promise;
      events.push(`${name} ended`);
    };
    return { run, end: () => end.resolve(), fail: () => end.reject(new Error(name)) };
  };
  return { gate, events, work };
}

describe('FreezeGate', () => {
  it('starts run at the same time', async () => {
    const { gate, events, work } = rig();
    const [a, b] = [work('a'), work('b')];
    const both = [gate.start(a.run), gate.start(b.run)];
    await setImmediate();
    assert.deepEqual(events, ['a', 'b']);
    b.end();
    a.end();
    await Promise.all(both);
    assert.deepEqual(events, ['a', 'b', 'b ended', 'a ended']);
  });

  it('a freeze waits for the starts before it, also for a start that fails, and holds the starts after it', async () => {
    const { gate, events, work } = rig();
    const [a, b, freeze, later] = [work('a'), work('b'), work('freeze'), work('later')];
    const starts = [gate.start(a.run), assert.rejects(gate.start(b.run), /^Error: b$/)];
    await setImmediate();
    const rest = [gate.freeze(freeze.run), gate.start(later.run)];
    a.end();
    await setImmediate();
    assert.deepEqual(events, ['a', 'b', 'a ended']);
    b.fail();
    await Promise.all(starts);
    await setImmediate();
    assert.deepEqual(events.slice(3), ['freeze']);
    freeze.end();
    await setImmediate();
    assert.deepEqual(events.slice(4), ['freeze ended', 'later']);
    later.end();
    await Promise.all(rest);
  });

  it('after a failed freeze starts and freezes continue', async () => {
    const { gate, events, work } = rig();
    const [first, second, start] = [work('first'), work('second'), work('start')];
    const failed = assert.rejects(gate.freeze(first.run), /^Error: first$/);
    const rest = [gate.freeze(second.run), gate.start(start.run)];
    await setImmediate();
    first.fail();
    await failed;
    second.end();
    start.end();
    await Promise.all(rest);
    assert.deepEqual(events, ['first', 'second', 'second ended', 'start', 'start ended']);
  });
});
