/** The runtime's commands without an engine, each side on the same bundle. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../tests/support/run.ts';
import type { Budget, Probe, Row, Side } from '../sampling/probe.ts';
import type { Rig } from '../sampling/rig.ts';

const MAX_START: Budget = { of: 'kata', is: 'at most', limit: 60 };

/** A bundle by runc's own example. */
async function makeBundle({ directory, engine }: Rig): Promise<string> {
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

/** A container's whole life. Whatever fails, it is deleted. */
function live(side: 'kata' | 'runc'): Side {
  return {
    sample: async (rig) => {
      const program = side === 'kata' ? rig.kata : 'runc';
      const [bundle, id] = [await makeBundle(rig), `bench-${process.pid}-${side}`];
      const times: number[] = [];
      try {
        for (const [, args] of lifecycle) times.push(await rig.inside(program, ...args(bundle, id)));
        await stopped(rig, program, id);
        times.push(await rig.inside(program, 'delete', id));
        return times;
      } finally {
        await rig.inside(program, 'delete', '--force', id).catch(() => {});
      }
    },
  };
}

/** A killed process takes a moment to end; to delete it before is an error. */
async function stopped(rig: Rig, program: string, id: string): Promise<void> {
  for (let look = 0; look < 50; look++) {
    const { stdout } = await run('nsenter', [`--mount=/proc/${rig.engine.pid}/ns/mnt`, program, 'state', id]);
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
      kata: { sample: async (rig) => [await rig.inside(rig.kata, '--version')] },
      runc: { sample: async (rig) => [await rig.inside('runc', '--version')] },
    },
  },
  {
    rows: [{ name: 'node', what: 'for comparison: Node with an empty program', unit: 'ms' }],
    sides: { kata: { sample: async (rig) => [await rig.inside(process.execPath, '-e', '0')] } },
  },
  { rows: [...lifecycle.map(([verb]) => verbRow(verb)), verbRow('delete')], sides: { kata: live('kata'), runc: live('runc') } },
];
