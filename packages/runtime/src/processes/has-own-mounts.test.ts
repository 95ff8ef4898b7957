import assert from 'node:assert/strict';
import { hasOwnMounts } from './has-own-mounts.ts';

describe('hasOwnMounts', () => {
  for (const [name, pid] of [
    ['a process in the same mount namespace', process.pid],
    ['a process that has ended', 2 ** 22 + 1],
  ] as const)
    it(`is false for ${name}`, () => assert.equal(hasOwnMounts({ pid, startTime: '1' }), false));
});
