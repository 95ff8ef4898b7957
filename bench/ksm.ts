/**
 * What the KSM throttler saves, and what it costs, on this machine's kernel with containers whose VMs were booted each for
 * itself. `bench/ksm.ts memory VARIANT` and `bench/ksm.ts latency` measure, each for some minutes; `bench/ksm.ts report [SVG]`
 * prints the tables and draws the chart of what has been measured. Needs root and a stage (KATA_STAGE).
 */
import { deepStrictEqual } from 'node:assert';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../tests/e2e/engine.ts';
import { variant } from '../tests/e2e/staged.ts';
import { Throttler, ksmSettings, sample, settle } from './ksm-host.ts';
import type { Sample } from './ksm-host.ts';
import { lineChart } from './line-chart.ts';
import { median } from './measure.ts';

/** The throttler's flags; `off` goes without it. */
const variants: Readonly<Record<string, readonly string[] | undefined>> = {
  'back-off': [],
  '1.x': ['-back-off=false'],
  off: undefined,
};
const CONTAINERS = 10;
const AT_A_TIME = 2;
const EVERY_MS = 5000;
const LONGEST_MS = 315_000;
const ROUNDS = 6;
const IDLE_WHILE_TIMED = 4;

const results = join(import.meta.dirname, '../.cache/ksm');
const resultFile = (name: string): string => join(results, `${name}.json`);
const say = (text: string): void => console.error(`bench: ${text}`);

function keep(name: string, result: unknown): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(resultFile(name), JSON.stringify(result, null, 2));
}

const kept = (name: string): unknown => (existsSync(resultFile(name)) ? JSON.parse(readFileSync(resultFile(name), 'utf8')) : undefined);

/** With an engine whose VMs do not come from a template; afterwards KSM has to be as it was. */
async function withEngine(act: (engine: Engine) => Promise<void>): Promise<void> {
  const before = ksmSettings();
  await settle();
  const directory = mkdtempSync(join(tmpdir(), 'kata-ksm-'));
  const withoutTemplate = (toml: string): string => toml.replace(/^enable_template = true$/m, 'enable_template = false');
  const engine = await Engine.start({ 'kata-runtime': variant(directory, 'kata', withoutTemplate) }, 'kata-runtime');
  try {
    await act(engine);
  } finally {
    await engine.stop();
    rmSync(directory, { recursive: true });
  }
  deepStrictEqual(ksmSettings(), before, 'the settings of KSM are not as they were');
  say(`KSM is as it was: ${JSON.stringify(before)}`);
}

async function startIdle(engine: Engine, count: number): Promise<void> {
  let next = 0;
  const starter = async (): Promise<void> => {
    while (next < count) {
      const { code, stderr } = await engine.docker(['run', '-d', '--name', `idle${next++}`, 'busybox', 'sleep', '100000']);
      if (code !== 0) throw new Error(`docker run: ${stderr}`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, starter));
}

/** Samples from before the first container until the throttler is at rest again, or time is up. */
async function measureMemory(engine: Engine, name: string): Promise<Sample[]> {
  const start = performance.now();
  const flags = variants[name];
  const throttler = flags && (await new Throttler(flags).ready());
  const samples = [sample(start, throttler)];
  let isStarted = false;
  const starting = startIdle(engine, CONTAINERS).then(() => {
    isStarted = true;
    say(`${CONTAINERS} containers after ${Math.round((performance.now() - start) / 1000)} s`);
  });
  try {
    while (performance.now() - start < LONGEST_MS) {
      await sleep(EVERY_MS);
      const now = sample(start, throttler);
      samples.push(now);
      if (isStarted && now.mode === 'initial') break;
    }
    await starting;
  } finally {
    await throttler?.stop();
  }
  return samples;
}

/** One run of each variant in turn: what else the machine does meets them all. */
async function measureLatency(engine: Engine): Promise<Record<string, number[]>> {
  await startIdle(engine, IDLE_WHILE_TIMED);
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, flags] of Object.entries(variants)) {
      const throttler = flags && (await new Throttler(flags).ready());
      const start = performance.now();
      const { code, stderr } = await engine.docker(['run', '--rm', 'busybox', 'true']);
      times[name]?.push(performance.now() - start);
      await throttler?.stop();
      if (code !== 0) throw new Error(`docker run: ${stderr}`);
    }
  return times;
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function memoryTable(name: string, samples: readonly Sample[]): string {
  const [first] = samples;
  const lines = samples
    .filter((_, index) => index % 3 === 0 || index === samples.length - 1)
    .map((now) => {
      const cpu = now.ksmdSeconds - (first?.ksmdSeconds ?? 0);
      return row([now.seconds.toFixed(0), now.mode, now.savedMiB.toFixed(0), now.profitMiB.toFixed(0), cpu.toFixed(1)]);
    });
  const head = [row(['s', 'mode', 'MiB given back', 'MiB net of bookkeeping', 'CPU s of ksmd']), row(['--:', '---', '--:', '--:', '--:'])];
  return [`${CONTAINERS} idle containers, ${name}`, '', ...head, ...lines, ''].join('\n');
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
  return [`docker run --rm busybox true beside ${IDLE_WHILE_TIMED} idle containers`, '', ...head, ...lines, ''].join('\n');
}

function report(svg: string | undefined): void {
  const measured = Object.keys(variants).flatMap((name) => {
    const samples = kept(`memory-${name}`) as Sample[] | undefined;
    return samples ? [{ name, samples }] : [];
  });
  for (const { name, samples } of measured) console.log(memoryTable(name, samples));
  const times = kept('latency') as Record<string, number[]> | undefined;
  if (times) console.log(latencyTable(times));
  if (svg === undefined) return;
  const lines = (value: (now: Sample, first: Sample | undefined) => number): { name: string; points: [number, number][] }[] =>
    measured.map(({ name, samples }) => ({ name, points: samples.map((now) => [now.seconds, value(now, samples[0])]) }));
  const saved = { title: `MiB saved, net of bookkeeping: ${CONTAINERS} idle containers`, lines: lines(({ profitMiB }) => profitMiB) };
  const cost = { title: 'CPU seconds of ksmd', lines: lines((now, first) => now.ksmdSeconds - (first?.ksmdSeconds ?? 0)) };
  writeFileSync(svg, lineChart([saved, cost]));
}

const [what, argument] = process.argv.slice(2);
if (what === 'memory' && argument !== undefined && argument in variants)
  await withEngine(async (engine) => keep(`memory-${argument}`, await measureMemory(engine, argument)));
else if (what === 'latency') await withEngine(async (engine) => keep('latency', await measureLatency(engine)));
else if (what !== 'report') throw new Error(`usage: ksm.ts memory ${Object.keys(variants).join('|')} | latency | report [SVG]`);
report(what === 'report' ? argument : undefined);
