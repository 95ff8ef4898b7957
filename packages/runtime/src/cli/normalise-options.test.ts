import assert from 'node:assert/strict';
import { Command } from 'commander';
import { normaliseOptions } from './normalise-options.ts';

const command = new Command('x')
  .option('-f, --format <format>', '')
  .option('-q, --quiet', '')
  .option('--memory-swap <bytes>', '')
  .option('--no-pivot', '')
  .option('-r, --resources <file>', '');

describe('normaliseOptions', () => {
  const cases: [name: string, argv: string[], args: string[]][] = [
    ['one dash counts as two', ['-format', 'json', '-quiet'], ['--format=json', '--quiet']],
    ['an equals sign', ['--format=json', '-format=json'], ['--format=json', '--format=json']],
    ['one letter', ['-f', 'json', '-q'], ['--format=json', '--quiet']],
    ['a boolean with a value', ['--quiet=false', '--no-pivot=true', '-quiet=1'], ['--no-pivot', '--quiet']],
    ['values that look like options', ['--memory-swap', '-1', '-r', '-'], ['--memory-swap=-1', '--resources=-']],
    ['options after the arguments', ['id', '-q'], ['id', '--quiet']],
    ['two dashes end the options', ['-q', '--', '-q'], ['--quiet', '--', '-q']],
    ['an unknown option is unchanged', ['-nope', '--nope=1', '-5'], ['-nope', '--nope=1', '-5']],
    ['all spellings of help', ['-h', '--h', '-help', '--help', '--help=false'], ['--help', '--help', '--help', '--help']],
    ['a missing value', ['-f'], ['--format']],
  ];
  for (const [name, argv, args] of cases) it(name, () => assert.deepEqual(normaliseOptions(command, argv, false), args));

  it("does not change a program's args", () => {
    assert.deepEqual(normaliseOptions(command, ['-q', 'id', 'tool', '-quiet', '-f', 'x'], true), [
      '--quiet',
      'id',
      'tool',
      '-quiet',
      '-f',
      'x',
    ]);
  });
  it('refuses an invalid boolean', () =>
    assert.throws(() => normaliseOptions(command, ['-quiet=x'], false), /invalid boolean value "x" for -quiet/));
});
