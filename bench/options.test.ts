import assert from 'node:assert';
import { machineName, parseOptions, parseRounds } from './options.ts';

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

describe('rounds of bench/confinement.ts', () => {
  it('are 15 by default', () => assert.deepStrictEqual([parseRounds([], 15), parseRounds(['20'], 15)], [15, 20]));
  for (const argv of [['--help'], ['0'], ['1.5'], ['1001'], ['3', '4']])
    it(`refuses ${argv.join(' ')}`, () => assert.throws(() => parseRounds(argv, 15), /^Error: usage: confinement\.ts \[ROUNDS\]/));
});

describe('the machine in the results', () => {
  it('has emulated guests without KVM', () => {
    assert.deepStrictEqual([machineName(2, false), machineName(8, true)], ['2 cores, emulated guests (TCG)', '8 cores']);
  });
});
