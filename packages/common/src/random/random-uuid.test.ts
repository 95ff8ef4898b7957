import assert from 'node:assert/strict';
import { randomUuid } from './random-uuid.ts';

describe('randomUuid', () => {
  it('returns a new version 4 UUID each time', () => {
    const [one, two] = [randomUuid(), randomUuid()];
    assert.match(one, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.notEqual(one, two);
  });
});
