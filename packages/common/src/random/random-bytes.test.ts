import assert from 'node:assert/strict';
import { randomBytes } from './random-bytes.ts';

describe('randomBytes', () => {
  it('returns as many new bytes as asked for each time', () => {
    const [one, two] = [randomBytes(16), randomBytes(16)];
    assert.deepEqual([one.length, two.length, randomBytes(0).length], [16, 16, 0]);
    assert.notDeepEqual(one, two);
  });
});
