/**
 * Mocha's spec reporter that also writes what run-tests.ts adds up over many runs of mocha. The file is named by
 * `--reporter-option results=FILE`.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import Mocha from 'mocha';
import type { Results, Timing } from './results.ts';

const { EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_END } = Mocha.Runner.constants;

class ResultsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions & { reporterOptions?: { results?: string } }) {
    super(runner, options);
    const path = options.reporterOptions?.results;
    if (path === undefined) throw new Error('results-reporter.ts needs --reporter-option results=FILE');
    const timings: Timing[] = [];
    const add = (runnable: Mocha.Runnable): void => {
      const file = relative(process.cwd(), runnable.file ?? runnable.parent?.file ?? '');
      timings.push({ file, name: runnable.fullTitle(), milliseconds: runnable.duration ?? 0 });
    };
    runner.on(EVENT_TEST_END, add).on(EVENT_HOOK_END, add);
    runner.once(EVENT_RUN_END, () => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      const results: Results = { passed: passes, failed: failures, skipped: pending, timings };
      writeFileSync(path, JSON.stringify(results));
    });
  }
}

// Mocha requires its reporters, and constructs what `module.exports` is.
export { ResultsReporter as 'module.exports' };
