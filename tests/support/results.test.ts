import assert from 'node:assert/strict';
import { slowestTable, sum } from './results.ts';
import type { Results } from './results.ts';

const results = (...timings: [file: string, name: string, milliseconds: number][]): Results => ({
  passed: timings.length,
  failed: 1,
  skipped: 0,
  timings: timings.map(([file, name, milliseconds]) => ({ file, name, milliseconds })),
});

describe('results of test files', () => {
  it('are added up', () => {
    const all = sum([results(['a', 'one', 1]), results(['b', 'two', 2], ['b', 'three', 3])]);
    assert.deepEqual([all.passed, all.failed, all.skipped, all.timings.length], [3, 2, 0, 3]);
  });

  it('show the slowest files, and cases with all runs of a hook', () => {
    const table = slowestTable(results(['a', 'hook', 1000], ['a', 'hook', 1500], ['b', 'case', 2000]));
    assert.deepEqual(table, [
      'slowest files:',
      '     2.5 s  a',
      '     2.0 s  b',
      'slowest cases and hooks:',
      '     2.5 s  a: hook',
      '     2.0 s  b: case',
    ]);
  });

  it('show ten rows each', () => {
    const rows = Array.from({ length: 20 }, (_, index): [string, string, number] => [`f${index}`, 'case', index]);
    assert.equal(slowestTable(results(...rows)).length, 2 * 11);
  });
});
