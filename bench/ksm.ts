/**
 * Measures how much memory the KSM throttler saves and how much CPU time it uses, with containers whose VMs booted without a
 * template: `tools/node.sh bench/ksm.ts memory VARIANT` and `… latency`, each some minutes. `bench/ksm-report.ts` prints the
 * results. Needs root and a stage (KATA_STAGE).
 */
import { deepStrictEqual } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../tests/support/engine.ts';
import { variant } from '../tests/support/staged.ts';
import { Throttler, dropStaleMerges, ksmSettings, sample } from './ksm-host.ts';
import type { Sample } from './ksm-host.ts';
import { CONTAINERS, IDLE_DURING_LATENCY, saveResult } from './ksm-results.ts';

/** The throttler's flags; `off` measures without the throttler. */
const variants: Readonly<Record<string, readonly string[] | undefined>> = {
  'back-off': [],
  '1.x': ['-back-off=false'],
  off: undefined,
};
const PARALLEL_STARTS = 2;
const SAMPLE_INTERVAL_MS = 5000;
const MAX_DURATION_MS = 315_000;
const ROUNDS = 6;

const say = (text: string): void => console.error(`bench: ${text}`);

/** Calls `act` with an engine that boots VMs without a template. @throws AssertionError when the settings of KSM differ afterwards */
async function withEngine(act: (engine: Engine) => Promise<void>): Promise<void> {
  const before = ksmSettings();
  await dropStaleMerges();
  const directory = mkdtempSync(join(tmpdir(), 'kata-ksm-'));
  const withoutTemplate = (toml: string): string => toml.replace(/^enable_template = true$/m, 'enable_template = false');
  const engine = await Engine.start({ 'kata-runtime': variant(directory, 'kata', withoutTemplate) }, 'kata-runtime');
  try {
    await act(engine);
  } finally {
    await engine.stop();
    rmSync(directory, { recursive: true });
  }
  deepStrictEqual(ksmSettings(), before, 'the settings of KSM have changed');
  say(`the settings of KSM are unchanged: ${JSON.stringify(before)}`);
}

async function startIdle(engine: Engine, count: number): Promise<void> {
  let next = 0;
  const starter = async (): Promise<void> => {
    while (next < count) {
      const { code, stderr } = await engine.docker(['run', '-d', '--name', `idle${next++}`, 'busybox', 'sleep', '100000']);
      if (code !== 0) throw new Error(`docker run: ${stderr}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_STARTS }, starter));
}

/** Samples from before the first container until the throttler is back in its initial mode, or until MAX_DURATION_MS. */
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
    while (performance.now() - start < MAX_DURATION_MS) {
      await sleep(SAMPLE_INTERVAL_MS);
      const now = sample(start, throttler);
      samples.push(now);
      if (isStarted && (!throttler || now.mode === 'initial')) break;
    }
    await starting;
  } finally {
    await throttler?.stop();
  }
  return samples;
}

/** Runs the variants by turns, so that other load of the machine affects all of them. */
async function measureLatency(engine: Engine): Promise<Record<string, number[]>> {
  await startIdle(engine, IDLE_DURING_LATENCY);
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

const [what, name = ''] = process.argv.slice(2);
if (what === 'memory' && name in variants)
  await withEngine(async (engine) => saveResult(`memory-${name}`, await measureMemory(engine, name)));
else if (what === 'latency') await withEngine(async (engine) => saveResult('latency', await measureLatency(engine)));
else throw new Error(`usage: ksm.ts memory ${Object.keys(variants).join('|')} | latency`);
say('saved: bench/ksm-report.ts prints the results');
