/**
 * What the KSM throttler saves, and what it costs, on this machine's kernel with containers whose VMs were booted each for
 * itself: `bench/ksm.ts memory VARIANT` and `bench/ksm.ts latency`, each some minutes. `bench/ksm-report.ts` shows what has been
 * measured. Needs root and a stage (KATA_STAGE).
 */
import { deepStrictEqual } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../tests/support/engine.ts';
import { variant } from '../tests/support/staged.ts';
import { Throttler, ksmSettings, sample, settle } from './ksm-host.ts';
import type { Sample } from './ksm-host.ts';
import { CONTAINERS, IDLE_WHILE_TIMED, keepResult } from './ksm-results.ts';

/** The throttler's flags; `off` goes without it. */
const variants: Readonly<Record<string, readonly string[] | undefined>> = {
  'back-off': [],
  '1.x': ['-back-off=false'],
  off: undefined,
};
const AT_A_TIME = 2;
const EVERY_MS = 5000;
const LONGEST_MS = 315_000;
const ROUNDS = 6;

const say = (text: string): void => console.error(`bench: ${text}`);

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
      if (isStarted && (!throttler || now.mode === 'initial')) break;
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

const [what, name = ''] = process.argv.slice(2);
if (what === 'memory' && name in variants)
  await withEngine(async (engine) => keepResult(`memory-${name}`, await measureMemory(engine, name)));
else if (what === 'latency') await withEngine(async (engine) => keepResult('latency', await measureLatency(engine)));
else throw new Error(`usage: ksm.ts memory ${Object.keys(variants).join('|')} | latency`);
say('kept: bench/ksm-report.ts shows it');
