import assert from 'node:assert';
import { median, ratio } from './measure.ts';

describe('arithmetic of the bench', () => {
  for (const [name, values, expected] of [
    ['the middle one of an odd number', [9, 1, 4], 4],
    ['half way between the middle two of an even number', [10, 2, 4, 1], 3],
    ['the only one', [7], 7],
    ['numbers, not texts', [100, 20, 3], 20],
  ] as const)
    it(`takes as median ${name}`, () => assert.strictEqual(median(values), expected));

  it('has no median of nothing', () => assert.ok(Number.isNaN(median([]))));
  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepStrictEqual(values, [3, 1, 2]);
  });

  it('divides', () => assert.strictEqual(ratio(6, 4), 1.5));
  for (const [value, of] of [
    [undefined, 1],
    [1, undefined],
    [1, 0],
  ] as const)
    // prettier-ignore
    it(`has no ratio of ${value} to ${of}`, () => assert.strictEqual(ratio(value, of), undefined));
});
