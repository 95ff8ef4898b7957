import assert from 'node:assert';
import { parseOptions } from './options.ts';

describe('options of the bench', () => {
  it('measures every row five times by default', () => {
    assert.deepStrictEqual(parseOptions([]), { quick: false, only: [], runs: 5, seconds: 1080, help: false });
  });
  it('combines --quick with --runs', () => {
    const { runs, seconds } = parseOptions(['--quick', '--runs', '3']);
    assert.deepStrictEqual({ runs, seconds }, { runs: 3, seconds: 240 });
  });
  it('accepts several rows after one --only and several --only', () => {
    assert.deepStrictEqual(parseOptions(['--only', 'run', 'exec', '--only', 'state']).only, ['run', 'state', 'exec']);
  });
  for (const argv of [['run'], ['--runs', '0'], ['--runs', 'many'], ['--runs', '101'], ['--slow']])
    it(`refuses ${argv.join(' ')}`, () => assert.throws(() => parseOptions(argv)));
});
