import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { parseDuration } from '@kata-containers/common/command-lines/parse-duration';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { sampleSandboxes } from '../../sandbox/sandbox-usage.ts';
import { print } from '../output/print.ts';
import { ratesOf, topTable } from '../output/top-table.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

/** Moves the cursor to the top and clears the screen (ECMA-48). */
const CLEAR = '\x1b[H\x1b[J';

const STDOUT = 1;

/** Time before the first table on a terminal: somebody is waiting for it. */
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
      .option('--interval <duration>', 'time between two tables, over which rates are measured', '2s')
      .option('--json', 'print each table as a JSON array of sandboxes, on one line')
      .option('--once', 'print one table, and exit'),
  async run({ options }) {
    const text = textOption(options, 'interval') ?? '';
    const intervalMs = parseDuration(text);
    if (intervalMs === undefined || intervalMs <= 0) throw new UsageError(`--interval must be a time such as 2s, not "${text}"`);
    const isOnce = options['once'] === true;
    const clear = isOnce || !isatty(STDOUT) ? '' : CLEAR;
    let waitMs = clear === '' ? intervalMs : Math.min(FIRST_MS, intervalMs);
    for (let before = await sampleSandboxes(); ; waitMs = intervalMs) {
      await sleep(waitMs);
      const now = await sampleSandboxes();
      const rates = ratesOf(before, now);
      if (options['json'] === true) print(`${JSON.stringify(rates)}\n`);
      else print(`${clear}${topTable(rates, Date.now(), terminalWidth())}`);
      if (isOnce) return 0;
      before = now;
    }
  },
};
