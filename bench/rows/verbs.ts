/** Duration of the runtime's verbs without an engine. Kata and runc get the same bundle. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bun } from '../../packaging/engine/install.ts';
import { run } from '../../tests/support/run.ts';
import type { Budget, Probe, Row, Side } from '../sampling/probe.ts';
import type { Testbed } from '../sampling/testbed.ts';

const MAX_START: Budget = { of: 'kata', is: 'at most', limit: 60 };

/** A bundle with the configuration that `runc spec` writes. */
async function makeBundle({ directory, engine }: Testbed): Promise<string> {
  const bundle = join(directory, 'bundle');
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  await run('tar', ['-C', join(bundle, 'rootfs'), '-xf', join(engine.directory, 'busybox.tar')]);
  const { stdout } = await run('sh', ['-c', 'cd "$1" && runc spec && cat config.json', 'sh', bundle]);
  const spec = JSON.parse(stdout) as { process: object };
  writeFileSync(
    join(bundle, 'config.json'),
    JSON.stringify({ ...spec, process: { ...spec.process, terminal: false, args: ['sleep', '1000'] } }),
  );
  return bundle;
}

const lifecycle: readonly [string, (bundle: string, id: string) => string[]][] = [
  ['create', (bundle, id) => ['create', '--bundle', bundle, id]],
  ['start', (_, id) => ['start', id]],
  ['state', (_, id) => ['state', id]],
  ['list', () => ['list']],
  ['exec', (_, id) => ['exec', id, 'true']],
  ['kill', (_, id) => ['kill', id, 'KILL']],
];

/** Runs every verb on one container, and deletes the container even after a failure. */
function lifecycleSide(side: 'kata' | 'runc'): Side {
  return {
    sample: async (testbed) => {
      const program = side === 'kata' ? testbed.kata : 'runc';
      const [bundle, id] = [await makeBundle(testbed), `bench-${process.pid}-${side}`];
      const times: number[] = [];
      try {
        for (const [, args] of lifecycle) times.push(await testbed.timeInEngine(program, ...args(bundle, id)));
        await waitUntilStopped(testbed, program, id);
        times.push(await testbed.timeInEngine(program, 'delete', id));
        return times;
      } finally {
        await testbed.timeInEngine(program, 'delete', '--force', id).catch(() => {});
      }
    },
  };
}

/** A killed process takes a moment to end; until then `delete` fails. */
async function waitUntilStopped(testbed: Testbed, program: string, id: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { stdout } = await run('nsenter', [`--mount=/proc/${testbed.engine.pid}/ns/mnt`, program, 'state', id]);
    if (/"status": "stopped"/.test(stdout)) return;
  }
}

const verbRow = (verb: string): Row => ({
  name: verb === 'exec' ? 'verb-exec' : verb,
  what: `runtime ${verb}`,
  unit: 'ms',
  ...(['state', 'list'].includes(verb) && { budget: MAX_START }),
});

export const verbProbes: readonly Probe[] = [
  {
    rows: [{ name: 'version', what: 'runtime --version', unit: 'ms', budget: MAX_START }],
    sides: {
      kata: { sample: async (testbed) => [await testbed.timeInEngine(testbed.kata, '--version')] },
      runc: { sample: async (testbed) => [await testbed.timeInEngine('runc', '--version')] },
    },
  },
  {
    rows: [{ name: 'bun', what: 'for comparison: Bun with an empty program', unit: 'ms' }],
    sides: { kata: { sample: async (testbed) => [await testbed.timeInEngine(bun, '-e', '0')] } },
  },
  {
    rows: [{ name: 'node', what: 'for comparison: Node with an empty program', unit: 'ms' }],
    sides: { kata: { sample: async (testbed) => [await testbed.timeInEngine(process.execPath, '-e', '0')] } },
  },
  {
    rows: [...lifecycle.map(([verb]) => verbRow(verb)), verbRow('delete')],
    sides: { kata: lifecycleSide('kata'), runc: lifecycleSide('runc') },
  },
];
