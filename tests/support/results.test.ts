import assert from 'node:assert/strict';
import { failureList, slowestTable, sum } from './results.ts';
import type { Results } from './results.ts';

const results = (...timings: [file: string, name: string, milliseconds: number][]): Results => ({
  passed: timings.length,
  failed: 1,
  skipped: 0,
  failures: [{ file: 'a', name: 'one', message: 'wrong' }],
  timings: timings.map(([file, name, milliseconds]) => ({ file, name, milliseconds })),
});

describe('results of test files', () => {
  it('are added up', () => {
    const all = sum([results(['a', 'one', 1]), results(['b', 'two', 2], ['b', 'three', 3])]);
    assert.deepEqual([all.passed, all.failed, all.skipped, all.failures.length, all.timings.length], [3, 2, 0, 2, 3]);
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

  it('list the failures with the first lines of their messages', () => {
    const long = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n\n');
    const failures = [
      { file: 'a', name: 'one', message: 'wrong' },
      { file: 'b', name: 'two', message: long },
    ];
    const list = failureList({ ...results(), failures });
    assert.deepEqual(list.slice(0, 4), ['failure 1: a: one', '    wrong', 'failure 2: b: two', '    line 0']);
    assert.deepEqual(list.slice(-2), ['    line 11', '    (8 more lines)']);
  });
});
