/** docs/compatibility.md is written by hand: it must list every option, and no option that does not exist. */
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
/** Options in the rows of the verb. */
const documented = (verb: string): Set<string> =>
  new Set(
    rows
      .filter((row) => firstCell(row).includes(`\`${verb}`))
      .flatMap((row) => [...firstCell(row).matchAll(/--[a-z0-9-]+/g)].map(([option]) => option)),
  );

describe('docs/compatibility.md', () => {
  it('lists every global option', () => {
    const missing = optionsOf(globalCommand()).filter((option) => !rows.some((row) => firstCell(row).includes(`\`${option}\``)));
    assert.deepEqual(missing, []);
  });

  for (const [name, { load }] of Object.entries(verbTable))
    it(`lists ${name} with exactly its options`, async () => {
      assert.ok(rows.some((row) => firstCell(row).includes(`\`${name}`)));
      const command = new Command(name);
      (await load()).describe(command);
      const known = optionsOf(command);
      // `run` has the options of `create` as well.
      const listed = new Set(name === 'run' ? [...documented('run'), ...documented('create')] : documented(name));
      assert.deepEqual(known.filter((option) => !listed.has(option)), []); // prettier-ignore
      const unknown = rows
        .filter((row) => isSupported(row) && firstCell(row).includes(`\`${name} --`))
        .flatMap((row) => [...firstCell(row).matchAll(/--[a-z0-9-]+/g)].map(([option]) => option))
        .filter((option) => !known.includes(option));
      assert.deepEqual(unknown, []);
    });
});
