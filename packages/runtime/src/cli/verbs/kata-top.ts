import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '@kata-containers/common/command-lines/parse-duration';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { isTerminal } from '@kata-containers/common/process/is-terminal';
import { sampleSandboxes } from '../../sandbox/sandbox-usage.ts';
import { print } from '../output/print.ts';
import { ratesOf, topTable } from '../output/top-table.ts';
import type { TopRow } from '../output/top-table.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

/** Moves the cursor to the top and clears the screen (ECMA-48). */
const CLEAR = '\x1b[H\x1b[J';

const STDOUT = 1;

/** Time until a terminal shows rates: somebody is waiting for them. */
const FIRST_MS = 300;

/** Undefined without a terminal: nothing is cut then. */
function terminalWidth(): number | undefined {
  try {
    return linuxKernel.windowSize(STDOUT).columns || undefined;
  } catch {
    return undefined;
  }
}

export const kataTop: Verb = {
  describe: (command) =>
    void command
      .option(
        '--interval <duration>',
        'time between two tables, over which rates are measured; a terminal shows the second table after 0.3s',
        '2s',
      )
      .option('--json', 'print each table as a JSON array of sandboxes, on one line')
      .option('--once', 'print one table, and exit'),
  async run({ options }) {
    const text = textOption(options, 'interval') ?? '';
    const intervalMs = parseDuration(text);
    if (intervalMs === undefined || intervalMs <= 0) throw new UsageError(`--interval must be a time such as 2s, not "${text}"`);
    const isOnce = options['once'] === true;
    const clear = isOnce || !isTerminal(STDOUT) ? '' : CLEAR;
    const isJson = options['json'] === true;
    const show = (rows: readonly TopRow[]): void => print(`${clear}${topTable(rows, Date.now(), terminalWidth())}`);
    let before = await sampleSandboxes();
    if (clear !== '' && !isJson) show(before.sandboxes);
    for (let waitMs = clear === '' ? intervalMs : Math.min(FIRST_MS, intervalMs); ; waitMs = intervalMs) {
      await sleep(waitMs);
      const now = await sampleSandboxes();
      const rates = ratesOf(before, now);
      if (isJson) print(`${JSON.stringify(rates)}\n`);
      else show(rates);
      if (isOnce) return 0;
      before = now;
    }
  },
};
