/** Takes samples: stage after stage, in each the sides of a probe by turns. */
import type { Probe, Samples, Side } from './probe.ts';
import type { Rig } from './rig.ts';
import { sideNames } from './stage.ts';
import type { Limits, SideName, Stage } from './stage.ts';

/** Runc's idle containers come first and go: kata's VMs take processor time, which would be held against runc. */
const stages: readonly Stage[] = [
  { kata: 0, runc: 0 },
  { kata: 0, runc: 10 },
  { kata: 0, runc: 30 },
  { kata: 1, runc: 0 },
  { kata: 10, runc: 0 },
  { kata: 30, runc: 0 },
];
const none: Stage = { kata: 0, runc: 0 };

const isAt = ({ stage = none }: Side, { kata, runc }: Stage): boolean => stage.kata === kata && stage.runc === runc;

function sidesAt(stage: Stage, { sides }: Probe): [SideName, Side][] {
  return sideNames.flatMap((name) => {
    const side = sides[name];
    return side && isAt(side, stage) ? [[name, side] as [SideName, Side]] : [];
  });
}

type Growing = Record<string, Partial<Record<SideName, number[]>>>;

function keep(samples: Growing, { rows }: Probe, side: SideName, values: readonly number[]): void {
  for (const [index, { name }] of rows.entries()) {
    const value = values[index];
    if (value === undefined) throw new Error(`no value for ${name}`);
    ((samples[name] ??= {})[side] ??= []).push(value);
  }
}

interface Run {
  readonly rig: Rig;
  readonly limits: Limits;
  readonly samples: Growing;
}

/** A probe that fails is recorded, and the next one is tried: one broken row must not cost the others. */
async function takeTurns({ rig, limits, samples }: Run, stage: Stage, probe: Probe): Promise<void> {
  const sides = sidesAt(stage, probe);
  const runs = Math.min(limits.runs, probe.maxRuns ?? limits.runs);
  const title = probe.rows.map(({ name }) => name).join(', ');
  for (let run = 0; run < runs; run++)
    for (const [name, side] of sides) {
      if (!limits.mayGoOn()) return;
      limits.report(`${title}: ${name}, ${run + 1} of ${runs}`);
      try {
        keep(samples, probe, name, await side.sample(rig));
      } catch (error) {
        rig.failures.push(`${title}, ${name}: ${String(error)}`);
        return;
      }
    }
}

export async function takeSamples(rig: Rig, probes: readonly Probe[], limits: Limits): Promise<Samples> {
  const samples: Growing = {};
  for (const stage of stages) {
    const due = probes.filter((probe) => sidesAt(stage, probe).length > 0);
    if (due.length === 0 || !limits.mayGoOn()) continue;
    await rig.idle(stage, limits);
    for (const probe of due) await takeTurns({ rig, limits, samples }, stage, probe);
  }
  return samples;
}
