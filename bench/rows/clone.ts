/** Duration of a clone, from the runtime's spans. The timeline uses the same traces. */
import type { Probe } from '../sampling/probe.ts';
import { runtimes } from '../sampling/testbed.ts';
import { cloneMs } from '../timeline/timeline.ts';

export const cloneProbes: readonly Probe[] = [
  {
    rows: [{ name: 'clone', what: 'clone: QEMU started → agent answers', unit: 'ms', budget: { of: 'kata', is: 'at most', limit: 300 } }],
    sides: { kata: { sample: async ({ tracer, engine }) => [cloneMs(await tracer.run(engine.environment, runtimes.traced))] } },
  },
];
