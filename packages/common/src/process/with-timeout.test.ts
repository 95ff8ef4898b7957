import assert from 'node:assert/strict';
import { withTimeout } from './with-timeout.ts';

describe('withTimeout', () => {
  const late = (): Error => new Error('late');
  const never = new Promise<never>(() => {});

  it('returns the result of the work', async () => assert.equal(await withTimeout(Promise.resolve(7), 60_000, late), 7));

  it('throws the error of the work', () =>
    assert.rejects(withTimeout(Promise.reject(new Error('broken')), 60_000, late), /^Error: broken$/));

  it('throws at the timeout', () => assert.rejects(withTimeout(never, 1, late), /^Error: late$/));

  it('handles an error of the work after the timeout', async () => {
    const work = Promise.withResolvers<never>();
    await assert.rejects(withTimeout(work.promise, 1, late), /^Error: late$/);
    work.reject(new Error('too late to be reported'));
    await new Promise((resolve) => setImmediate(resolve)); // Node reports unhandled rejections before this
  });
});
