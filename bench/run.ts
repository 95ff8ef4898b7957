/** `npm run bench`: measures kata and runc by turns. Prints medians, ratios, budgets and a timeline. */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { errorMessage } from '../packages/common/src/errors/error-message.ts';
import { leftovers } from '../tests/support/leftovers.ts';
import { machineName, parseOptions, usage } from './options.ts';
import type { BenchOptions } from './options.ts';
import type { Probe } from './sampling/probe.ts';
import { openProgress } from './progress.ts';
import { plainResults, table } from './sampling/results-table.ts';
import { results } from './sampling/results.ts';
import type { Result } from './sampling/results.ts';
import { Testbed, runtimes } from './sampling/testbed.ts';
import { chooseProbes, derivedRows } from './rows.ts';
import { takeSamples } from './sampling/take-samples.ts';
import { timelineSvg } from './timeline/timeline-svg.ts';
import { timelineText } from './timeline/timeline-text.ts';
import { timeline, medianRun } from './timeline/timeline.ts';
import type { Timeline } from './timeline/timeline.ts';

interface Measurement {
  readonly all: readonly Result[];
  readonly shown: Timeline | undefined;
  readonly failures: readonly string[];
}

/** After Ctrl-C the current sample runs to its end, then the bench cleans up. @returns whether a signal has arrived */
function watchStopSignals(report: (text: string) => void): () => boolean {
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      isStopped = true;
      process.exitCode = 130;
      report('stopping: cleaning up after the current sample');
    });
  return () => isStopped;
}

async function measure(chosen: readonly Probe[], { runs, seconds }: BenchOptions): Promise<Measurement> {
  const { report, close } = openProgress();
  const isStopped = watchStopSignals(report);
  const deadline = performance.now() + seconds * 1000;
  const mayContinue = (): boolean => !isStopped() && performance.now() < deadline;
  report('starting docker');
  const testbed = await Testbed.start();
  try {
    report('making the template, warming the page cache');
    for (const runtime of [runtimes.kata, runtimes.kata, runtimes.runc])
      await testbed.timeDocker('run', '--rm', '--runtime', runtime, 'busybox', 'true');
    const samples = await takeSamples(testbed, chosen, { runs, mayContinue, report });
    const all = results(chosen.flatMap(({ rows }) => rows), samples, derivedRows); // prettier-ignore
    const trace = medianRun(testbed.tracer.traces);
    const failures = [
      ...testbed.failures,
      ...(performance.now() > deadline ? [`stopped at the time limit of ${seconds} s: some rows were not measured`] : []),
    ];
    return { all, shown: trace && timeline(trace), failures };
  } finally {
    report('cleaning up');
    await testbed.stop();
    close();
  }
}

function publish({ all, shown }: Measurement, { json, svg }: BenchOptions): void {
  const machine = machineName(cpus().length, existsSync('/dev/kvm'));
  console.log(table(all));
  if (shown) console.log(`\n${timelineText(shown)}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, results: plainResults(all), timeline: shown }, null, 2)}\n`);
  if (svg !== undefined && shown)
    writeFileSync(svg, timelineSvg(shown, `docker run --rm busybox echo here; VM cloned from a template; ${machine}`));
}

interface Invocation {
  readonly options: BenchOptions;
  readonly chosen: readonly Probe[];
}

/** Undefined after a usage error, which is printed. */
function readCommandLine(): Invocation | undefined {
  try {
    const options = parseOptions(process.argv.slice(2));
    const { only, svg, quick } = options;
    return { options, chosen: chooseProbes([...only, ...(svg !== undefined && only.length > 0 ? ['clone'] : [])], quick) };
  } catch (error) {
    console.error(`bench: ${errorMessage(error)}\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}

const invocation = readCommandLine();
if (invocation?.options.help) console.log(usage);
else if (invocation) {
  const { chosen, options } = invocation;
  const before = new Set(leftovers());
  const measured = await measure(chosen, options);
  publish(measured, options);
  const left = leftovers().filter((line) => !before.has(line));
  const problems = [...measured.failures, ...left.map((line) => `left behind: ${line}`)];
  for (const problem of problems) console.error(`bench: ${problem}`);
  if (problems.length > 0) process.exitCode ||= 1;
}
