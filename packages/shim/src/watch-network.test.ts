import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { ChangeRunner } from './watch-network.ts';

describe('ChangeRunner', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };

  it('runs once for several changes in a short time, and again for changes during the run', async () => {
    const ends: (() => void)[] = [];
    const runner = new ChangeRunner(() => new Promise((resolve) => ends.push(resolve)));
    for (let change = 0; change < 5; change++) runner.onChange();
    mock.timers.tick(99);
    assert.equal(ends.length, 0);
    mock.timers.tick(1);
    assert.equal(ends.length, 1);
    runner.onChange();
    mock.timers.tick(1000);
    assert.equal(ends.length, 1);
    ends[0]?.();
    await settle();
    mock.timers.tick(100);
    assert.equal(ends.length, 2);
    ends[1]?.();
    await settle();
    mock.timers.tick(1000);
    assert.equal(ends.length, 2);
  });
});
