/** `npm run bench`: kata side by side with runc, in the same run. Prints medians, ratios, budgets and a timeline. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { errorMessage } from '../packages/common/src/errors/error-message.ts';
import { leftovers } from '../tests/support/leftovers.ts';
import { parseOptions, usage } from './options.ts';
import type { BenchOptions } from './options.ts';
import type { Probe } from './sampling/probe.ts';
import { openProgress } from './progress.ts';
import { plainResults, table } from './sampling/results-table.ts';
import { results } from './sampling/results.ts';
import type { Result } from './sampling/results.ts';
import { Rig, runtimes } from './sampling/rig.ts';
import { chooseProbes, quotients } from './rows.ts';
import { takeSamples } from './sampling/take-samples.ts';
import { timelineSvg } from './timeline/timeline-svg.ts';
import { timelineText } from './timeline/timeline-text.ts';
import { timeline, typical } from './timeline/timeline.ts';
import type { Timeline } from './timeline/timeline.ts';

interface Measured {
  readonly all: readonly Result[];
  readonly shown: Timeline | undefined;
  readonly failures: readonly string[];
}

/** What runs when Ctrl-C comes runs to its end, then everything is taken down. */
function stopSignal(report: (text: string) => void): () => boolean {
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      isStopped = true;
      process.exitCode = 130;
      report('stopping: what was started is taken down');
    });
  return () => isStopped;
}

async function measure(chosen: readonly Probe[], { runs, seconds }: BenchOptions): Promise<Measured> {
  const { report, close } = openProgress();
  const isStopped = stopSignal(report);
  const deadline = performance.now() + seconds * 1000;
  const mayGoOn = (): boolean => !isStopped() && performance.now() < deadline;
  report('docker starts');
  const rig = await Rig.start();
  try {
    report('the template is made, and what all runs read is read');
    for (const runtime of [runtimes.kata, runtimes.kata, runtimes.runc])
      await rig.docker('run', '--rm', '--runtime', runtime, 'busybox', 'true');
    const samples = await takeSamples(rig, chosen, { runs, mayGoOn, report });
    const all = results(chosen.flatMap(({ rows }) => rows), samples, quotients); // prettier-ignore
    const trace = typical(rig.tracer.traces);
    const failures = [
      ...rig.failures,
      ...(performance.now() > deadline ? [`time was up after ${seconds} s: not everything is measured`] : []),
    ];
    return { all, shown: trace && timeline(trace), failures };
  } finally {
    report('everything is taken down');
    await rig.stop();
    close();
  }
}

function publish({ all, shown }: Measured, { json, svg }: BenchOptions): void {
  const machine = `${cpus().length} cores, emulated guests (TCG)`;
  console.log(table(all));
  if (shown) console.log(`\n${timelineText(shown)}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, results: plainResults(all), timeline: shown }, null, 2)}\n`);
  if (svg !== undefined && shown)
    writeFileSync(svg, timelineSvg(shown, `docker run --rm busybox echo here; VM cloned from a template; ${machine}`));
}

interface Wish {
  readonly options: BenchOptions;
  readonly chosen: readonly Probe[];
}

/** Nothing when the command line is wrong, which is told. */
function readWish(): Wish | undefined {
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

const wish = readWish();
if (wish?.options.help) console.log(usage);
else if (wish) {
  const { chosen, options } = wish;
  const before = new Set(leftovers());
  const measured = await measure(chosen, options);
  publish(measured, options);
  const left = leftovers().filter((line) => !before.has(line));
  const problems = [...measured.failures, ...left.map((line) => `left behind: ${line}`)];
  for (const problem of problems) console.error(`bench: ${problem}`);
  if (problems.length > 0) process.exitCode ||= 1;
}
