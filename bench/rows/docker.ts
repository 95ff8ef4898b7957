/** Commands of docker, as its users run them. */
import type { Probe, Side } from '../sampling/probe.ts';
import type { Quotient } from '../sampling/results.ts';
import { runtimes } from '../sampling/rig.ts';
import type { SideName, Stage } from '../sampling/stage.ts';

const runOnce = (runtime: string, stage?: Stage): Side => ({
  ...(stage && { stage }),
  sample: async (rig) => [await rig.docker('run', '--rm', '--runtime', runtime, 'busybox', 'true')],
});
const runCached: Side = {
  sample: async (rig) => {
    await rig.cache.ready(rig.engine);
    return [await rig.docker('run', '--rm', '--runtime', runtimes.cache, 'busybox', 'true')];
  },
};
const exec = (side: SideName): Side => ({
  sample: async (rig) => {
    const box = await rig.box(side);
    return [await rig.docker('exec', box, 'true')];
  },
});

const beside = (count: number): Probe => ({
  rows: [{ name: `run-${count}`, what: `docker run … true, beside ${count} idle containers`, unit: 'ms' }],
  sides: { kata: runOnce(runtimes.kata, { kata: count, runc: 0 }), runc: runOnce(runtimes.runc, { kata: 0, runc: count }) },
  isSlow: count > 10,
});

export const dockerProbes: readonly Probe[] = [
  {
    rows: [{ name: 'run', what: 'docker run --rm busybox true, template', unit: 'ms', budget: { of: 'ratio', is: 'at most', limit: 3 } }],
    sides: { kata: runOnce(runtimes.kata), runc: runOnce(runtimes.runc) },
  },
  {
    rows: [{ name: 'run-cache', what: 'the same, from the VM cache', unit: 'ms', budget: { of: 'ratio', is: 'at most', limit: 2 } }],
    sides: { kata: runCached, runc: runOnce(runtimes.runc) },
  },
  {
    rows: [{ name: 'run-cold', what: 'the same, booted (templates off)', unit: 'ms' }],
    sides: { kata: runOnce(runtimes.cold), runc: runOnce(runtimes.runc) },
    maxRuns: 3,
  },
  {
    rows: [{ name: 'exec', what: 'docker exec C true', unit: 'ms', budget: { of: 'kata', is: 'at most', limit: 500 } }],
    sides: { kata: exec('kata'), runc: exec('runc') },
  },
  beside(10),
  beside(30),
];

export const growth: readonly Quotient[] = [
  {
    row: { name: 'growth', what: 'docker run beside 30 ÷ beside none', unit: '×', budget: { of: 'kata', is: 'at most', limit: 1.3 } },
    of: ['run-30', 'run'],
  },
];
