/** Duration of docker commands. */
import type { Probe, Side } from '../sampling/probe.ts';
import type { DerivedRow } from '../sampling/results.ts';
import { runtimes } from '../sampling/testbed.ts';
import type { SideName, IdleCounts } from '../sampling/conditions.ts';

const runOnce = (runtime: string, idle?: IdleCounts): Side => ({
  ...(idle && { idle }),
  sample: async (testbed) => [await testbed.timeDocker('run', '--rm', '--runtime', runtime, 'busybox', 'true')],
});
const runCached: Side = {
  sample: async (testbed) => {
    await testbed.cache.ready(testbed.engine);
    return [await testbed.timeDocker('run', '--rm', '--runtime', runtimes.cache, 'busybox', 'true')];
  },
};
const exec = (side: SideName): Side => ({
  sample: async (testbed) => {
    const target = await testbed.execTarget(side);
    return [await testbed.timeDocker('exec', target, 'true')];
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

export const growthRows: readonly DerivedRow[] = [
  {
    row: { name: 'growth', what: 'docker run beside 30 ÷ beside none', unit: '×', budget: { of: 'kata', is: 'at most', limit: 1.3 } },
    of: ['run-30', 'run'],
  },
];
