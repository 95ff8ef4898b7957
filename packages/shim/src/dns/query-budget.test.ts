import assert from 'node:assert/strict';
import { QueryBudget } from './query-budget.ts';

describe('QueryBudget', () => {
  it('allows 512 open queries', () => {
    const budget = new QueryBudget(() => 0);
    assert.equal(Array.from({ length: 600 }, () => budget.take()).filter(Boolean).length, 512);
    budget.release();
    assert.deepEqual([budget.take(), budget.take()], [true, false]);
  });
  it('allows 5,000 queries in a second', () => {
    let now = 0;
    const budget = new QueryBudget(() => now);
    const ask = (): number =>
      Array.from({ length: 10_000 }, () => {
        const taken = budget.take();
        if (taken) budget.release();
        return taken;
      }).filter(Boolean).length;
    assert.equal(ask(), 5000);
    assert.equal(ask(), 0);
    now = 100;
    assert.equal(ask(), 500);
    now = 60_000;
    assert.equal(ask(), 5000);
  });
});
