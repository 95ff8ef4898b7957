/**
 * Mocha's spec reporter that also writes what run-tests.ts adds up over many runs of mocha. The file is named by
 * `--reporter-option results=FILE`.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import Mocha from 'mocha';
import type { Failure, Results, Timing } from './results.ts';

const { EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;

class ResultsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions & { reporterOptions?: { results?: string } }) {
    super(runner, options);
    const path = options.reporterOptions?.results;
    if (path === undefined) throw new Error('results-reporter.ts needs --reporter-option results=FILE');
    const timings: Timing[] = [];
    const failures: Failure[] = [];
    const placeOf = (runnable: Mocha.Runnable): { file: string; name: string } => {
      const file = relative(process.cwd(), runnable.file ?? runnable.parent?.file ?? '');
      return { file, name: runnable.fullTitle() };
    };
    const add = (runnable: Mocha.Runnable): void => {
      timings.push({ ...placeOf(runnable), milliseconds: runnable.duration ?? 0 });
    };
    runner.on(EVENT_TEST_END, add).on(EVENT_HOOK_END, add);
    // A failed hook is reported by this event as well.
    runner.on(EVENT_TEST_FAIL, (runnable: Mocha.Runnable, error: Error) => {
      failures.push({ ...placeOf(runnable), message: error.message });
    });
    runner.once(EVENT_RUN_END, () => {
      const { passes = 0, failures: failed = 0, pending = 0 } = runner.stats ?? {};
      const results: Results = { passed: passes, failed, skipped: pending, failures, timings };
      writeFileSync(path, JSON.stringify(results));
    });
  }
}

// Mocha requires its reporters, and constructs what `module.exports` is.
export { ResultsReporter as 'module.exports' };
