/** Takes samples: for each set of idle containers, the sides of each probe by turns. */
import type { Probe, Samples, Side } from './probe.ts';
import type { Testbed } from './testbed.ts';
import { sideNames } from './conditions.ts';
import type { SamplingLimits, SideName, IdleCounts } from './conditions.ts';

/** No step has idle containers of both sides: idle VMs use CPU time, which would slow runc down. */
const idleCounts: readonly IdleCounts[] = [
  { kata: 0, runc: 0 },
  { kata: 0, runc: 10 },
  { kata: 0, runc: 30 },
  { kata: 1, runc: 0 },
  { kata: 10, runc: 0 },
  { kata: 30, runc: 0 },
];
const none: IdleCounts = { kata: 0, runc: 0 };

const isAt = ({ idle = none }: Side, { kata, runc }: IdleCounts): boolean => idle.kata === kata && idle.runc === runc;

function sidesAt(idle: IdleCounts, { sides }: Probe): [SideName, Side][] {
  return sideNames.flatMap((name) => {
    const side = sides[name];
    return side && isAt(side, idle) ? [[name, side] as [SideName, Side]] : [];
  });
}

type MutableSamples = Record<string, Partial<Record<SideName, number[]>>>;

function addSample(samples: MutableSamples, { rows }: Probe, side: SideName, values: readonly number[]): void {
  for (const [index, { name }] of rows.entries()) {
    const value = values[index];
    if (value === undefined) throw new Error(`no value for ${name}`);
    ((samples[name] ??= {})[side] ??= []).push(value);
  }
}

interface Run {
  readonly testbed: Testbed;
  readonly limits: SamplingLimits;
  readonly samples: MutableSamples;
}

/** Records the failure of a probe; the other probes are still sampled. */
async function takeTurns({ testbed, limits, samples }: Run, idle: IdleCounts, probe: Probe): Promise<void> {
  const sides = sidesAt(idle, probe);
  const runs = Math.min(limits.runs, probe.maxRuns ?? limits.runs);
  const title = probe.rows.map(({ name }) => name).join(', ');
  for (let run = 0; run < runs; run++)
    for (const [name, side] of sides) {
      if (!limits.mayContinue()) return;
      limits.report(`${title}: ${name}, ${run + 1} of ${runs}`);
      try {
        addSample(samples, probe, name, await side.sample(testbed));
      } catch (error) {
        testbed.failures.push(`${title}, ${name}: ${String(error)}`);
        return;
      }
    }
}

export async function takeSamples(testbed: Testbed, probes: readonly Probe[], limits: SamplingLimits): Promise<Samples> {
  const samples: MutableSamples = {};
  for (const idle of idleCounts) {
    const due = probes.filter((probe) => sidesAt(idle, probe).length > 0);
    if (due.length === 0 || !limits.mayContinue()) continue;
    await testbed.setIdleContainers(idle, limits);
    for (const probe of due) await takeTurns({ testbed, limits, samples }, idle, probe);
  }
  return samples;
}
