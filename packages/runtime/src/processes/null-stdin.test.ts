import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { isNullStdin } from './null-stdin.ts';

describe('isNullStdin', () => {
  const cases: [path: string, expected: boolean][] = [
    ['/dev/null', true],
    ['/dev/zero', false],
    ['/proc/self/status', false],
  ];
  for (const [path, expected] of cases)
    it(path, () => {
      const fd = openSync(path, 'r');
      try {
        assert.equal(isNullStdin(fd), expected);
      } finally {
        closeSync(fd);
      }
    });
  it('is false for a closed fd', () => assert.equal(isNullStdin(9999), false));
});
