import assert from 'node:assert';
import type { Row } from './probe.ts';
import { plainResults, markdownTable, table } from './results-table.ts';
import { results } from './results.ts';

const run: Row = { name: 'run', what: 'docker run', unit: 'ms', budget: { of: 'ratio', is: 'at most', limit: 3 } };
const later: Row = { name: 'run-30', what: 'docker run beside 30', unit: 'ms' };
const speed: Row = { name: 'stdout', what: 'stdout', unit: 'MB/s', budget: { of: 'kata', is: 'at least', limit: 8 } };
const growth: Row = { name: 'growth', what: '30 to 0', unit: '×', budget: { of: 'kata', is: 'at most', limit: 1.3 } };
const samples = {
  run: { kata: [2000, 9000, 2100], runc: [700, 600, 800] },
  'run-30': { kata: [3150], runc: [770] },
  stdout: { kata: [7.96] },
};
const all = results([run, later, speed], samples, [{ row: growth, of: ['run-30', 'run'] }]);

describe('results of the bench', () => {
  it('contain the medians and their ratio', () => {
    const { kata, runc, ratio } = all[0] ?? {};
    assert.deepStrictEqual({ kata, runc, ratio }, { kata: 2100, runc: 700, ratio: 3 });
  });

  it('meet a budget up to its limit and miss it beyond', () => {
    assert.deepStrictEqual(all.map(({ isMet }) => isMet), [true, undefined, false, false]); // prettier-ignore
  });

  it('derive a row from two other rows, for kata and for runc', () => {
    const { kata, runc } = all[3] ?? {};
    assert.deepStrictEqual({ kata, runc }, { kata: 1.5, runc: 1.1 });
  });

  it('omit rows that were not measured', () => {
    assert.deepStrictEqual(results([run, speed], {}, [{ row: growth, of: ['run-30', 'run'] }]), []);
  });

  it('are printed as aligned columns', () => {
    assert.deepStrictEqual(table(all).split('\n'), [
      'median                    kata    runc  ratio  budget',
      'docker run             2100 ms  700 ms   3.00  ≤ 3 × runc  met',
      'docker run beside 30   3150 ms  770 ms   4.09',
      'stdout                8.0 MB/s                 ≥ 8 MB/s    MISSED',
      '30 to 0                 1.50 ×  1.10 ×         ≤ 1.3 ×     MISSED',
    ]);
  });

  it('are printed as a Markdown table', () => {
    assert.strictEqual(markdownTable(all).split('\n')[2], '| docker run | 2100 ms | 700 ms | 3.00 | ≤ 3 × runc | met |');
  });

  it('are written as JSON with every sample', () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(plainResults(all)[2])), {
      name: 'stdout',
      what: 'stdout',
      unit: 'MB/s',
      budget: { of: 'kata', is: 'at least', limit: 8 },
      kata: 7.96,
      isMet: false,
      samples: { kata: [7.96] },
    });
  });
});
