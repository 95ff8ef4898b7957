/** docs/compatibility.md is written by hand: it must not forget an option, nor tell of one that is gone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { globalCommand } from '../../packages/runtime/src/cli/global-options.ts';
import { verbTable } from '../../packages/runtime/src/cli/verb-table.ts';

const rows = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'));
const isSupported = (row: string): boolean => !row.includes('| not supported');
const firstCell = (row: string): string => row.split('|')[1] ?? '';
const optionsOf = (command: Command): string[] => command.options.flatMap(({ long }) => (long && long !== '--help' ? [long] : []));
/** Options that rows of this verb tell of. `run` has create's as well. */
const told = (verb: string): Set<string> =>
  new Set(
    rows
      .filter((row) => firstCell(row).includes(`\`${verb}`))
      .flatMap((row) => [...firstCell(row).matchAll(/--[a-z0-9-]+/g)].map(([option]) => option)),
  );

describe('the table of compatibility', () => {
  it('has every global option', () => {
    const missing = optionsOf(globalCommand()).filter((option) => !rows.some((row) => firstCell(row).includes(`\`${option}\``)));
    assert.deepEqual(missing, []);
  });

  for (const [name, { load }] of Object.entries(verbTable))
    it(`has ${name} and its options, and no others`, async () => {
      assert.ok(rows.some((row) => firstCell(row).includes(`\`${name}`)));
      const command = new Command(name);
      (await load()).describe(command);
      const known = optionsOf(command);
      const telling = new Set(name === 'run' ? [...told('run'), ...told('create')] : told(name));
      assert.deepEqual(known.filter((option) => !telling.has(option)), []); // prettier-ignore
      const gone = rows
        .filter((row) => isSupported(row) && firstCell(row).includes(`\`${name} --`))
        .flatMap((row) => [...firstCell(row).matchAll(/--[a-z0-9-]+/g)].map(([option]) => option))
        .filter((option) => !known.includes(option));
      assert.deepEqual(gone, []);
    });
});
