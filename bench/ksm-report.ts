/** Prints tables of the results of bench/ksm.ts and draws a chart: `tools/node.sh bench/ksm-report.ts [SVG]`. */
import { writeFileSync } from 'node:fs';
import type { Sample } from './ksm-host.ts';
import { CONTAINERS, IDLE_DURING_LATENCY, loadResult } from './ksm-results.ts';
import { lineChart } from './line-chart.ts';
import { median } from './sampling/measure.ts';

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function memoryTable(name: string, samples: readonly Sample[]): string {
  const [first] = samples;
  const lines = samples
    .filter((_, index) => index % 3 === 0 || index === samples.length - 1)
    .map((now) => {
      const cpu = now.ksmdSeconds - (first?.ksmdSeconds ?? 0);
      return row([now.seconds.toFixed(0), now.mode, now.savedMiB.toFixed(0), now.profitMiB.toFixed(0), cpu.toFixed(1)]);
    });
  const head = [row(['s', 'mode', 'MiB freed', 'MiB net of bookkeeping', 'CPU s of ksmd']), row(['--:', '---', '--:', '--:', '--:'])];
  const taken = (first?.availableMiB ?? 0) - (samples.at(-1)?.availableMiB ?? 0);
  return [
    `${CONTAINERS} idle containers, ${name}; MemAvailable of the host fell by ${taken.toFixed(0)} MiB`,
    '',
    ...head,
    ...lines,
    '',
  ].join('\n');
}

function latencyTable(times: Readonly<Record<string, readonly number[]>>): string {
  const off = median(times['off'] ?? []);
  const lines = Object.entries(times).map(([name, values]) =>
    row([
      name,
      (median(values) / 1000).toFixed(2),
      (median(values) / off).toFixed(2),
      values.map((ms) => (ms / 1000).toFixed(1)).join(' '),
    ]),
  );
  const head = [row(['throttler', 'median s', 'ratio to off', 'all']), row(['---', '--:', '--:', '---'])];
  return [`docker run --rm busybox true beside ${IDLE_DURING_LATENCY} idle containers`, '', ...head, ...lines, ''].join('\n');
}

function report(svg: string | undefined): void {
  const measured = ['back-off', '1.x', 'off'].flatMap((name) => {
    const samples = loadResult(`memory-${name}`) as Sample[] | undefined;
    return samples ? [{ name, samples }] : [];
  });
  for (const { name, samples } of measured) console.log(memoryTable(name, samples));
  const times = loadResult('latency') as Record<string, number[]> | undefined;
  if (times) console.log(latencyTable(times));
  if (svg === undefined) return;
  const charted = measured.filter(({ name }) => name !== 'off');
  const lines = (value: (now: Sample, first: Sample | undefined) => number): { name: string; points: [number, number][] }[] =>
    charted.map(({ name, samples }) => ({ name, points: samples.map((now) => [now.seconds, value(now, samples[0])]) }));
  const saved = { title: `MiB saved, net of bookkeeping: ${CONTAINERS} idle containers`, lines: lines(({ profitMiB }) => profitMiB) };
  const cost = { title: 'CPU seconds of ksmd', lines: lines((now, first) => now.ksmdSeconds - (first?.ksmdSeconds ?? 0)) };
  writeFileSync(svg, lineChart([saved, cost]));
}

report(process.argv[2]);
