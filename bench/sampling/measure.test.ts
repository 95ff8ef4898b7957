import assert from 'node:assert';
import { median, ratio } from './measure.ts';

describe('median and ratio', () => {
  for (const [name, values, expected] of [
    ['the middle value of an odd count', [9, 1, 4], 4],
    ['the mean of the two middle values of an even count', [10, 2, 4, 1], 3],
    ['the only value', [7], 7],
    ['the middle value in numeric order', [100, 20, 3], 20],
  ] as const)
    it(`returns as median ${name}`, () => assert.strictEqual(median(values), expected));

  it('returns NaN as median of an empty list', () => assert.ok(Number.isNaN(median([]))));
  it('does not reorder the values', () => {
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
    it(`returns undefined as ratio of ${value} to ${of}`, () => assert.strictEqual(ratio(value, of), undefined));
});
