import { UsageError } from '@kata-containers/common/errors/kata-error';
import { basicTable, containerRows, detailedRows, fullTable, rowsJson } from '../output/container-rows.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { textOption } from '../input/verb.ts';
import type { Invocation, Verb } from '../input/verb.ts';

/** The configuration is read only for formats that need it: the plain list works with an invalid configuration. */
async function text({ options, context }: Invocation): Promise<string> {
  const format = textOption(options, 'format');
  if (options['quiet'] === true)
    return containerRows()
      .map(({ row }) => `${row.id}\n`)
      .join('');
  if (format === 'json') return `${rowsJson(detailedRows((await context()).configuration))}\n`;
  if (options['kataAll'] === true) return table(fullTable(detailedRows((await context()).configuration)));
  return table(basicTable(containerRows().map(({ row }) => row)));
}

export const list: Verb = {
  describe: (command) =>
    void command
      .option('-f, --format <format>', 'table or json', 'table')
      .option('-q, --quiet', 'ids only')
      .option('--kata-all', 'add QEMU, kernel and image of each container, and those of a new container'),
  async run(invocation) {
    const format = textOption(invocation.options, 'format');
    if (format !== 'table' && format !== 'json') throw new UsageError('invalid format option');
    print(await text(invocation));
    return 0;
  },
};
