/**
 * Measures the cost of the confinement of QEMU, kata-proxy and kata-shim: `tools/node.sh bench/confinement.ts [ROUNDS]`, by default 15.
 * Containers with and without confinement alternate. Needs root, a quiet machine and a stage (KATA_STAGE).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../tests/support/engine.ts';
import { good } from '../tests/support/run.ts';
import { variant } from '../tests/support/staged.ts';
import { parseRounds } from './options.ts';
import { median } from './sampling/measure.ts';

const ROUNDS = parseRounds(process.argv.slice(2), 15);
const MIB = 64;

/** Keys of configuration.toml that disable the confinement. */
const off: Readonly<Record<string, string>> = {
  ...{ seccompsandbox: '""', qemu_own_root: 'false', qemu_capabilities: '["ALL"]', qemu_unprivileged: 'false' },
  ...{ qemu_device_cgroup: 'false', qemu_pids_cgroup: 'false', confine: 'false' },
};

const withoutParts = (toml: string): string =>
  Object.entries(off).reduce((text, [key, value]) => text.replace(new RegExp(`^#?${key} ?= ?.*$`, 'gm'), `${key} = ${value}`), toml);

/** Measured workloads: shell scripts in a container that has a directory of the host at /volume. */
const deeds: readonly (readonly [what: string, script: string])[] = [
  ['start-up: docker run', 'true'],
  ['and write of a file by 9p', `dd if=/dev/zero of=/volume/file bs=1M count=${MIB} conv=fsync 2>/dev/null`],
  ['and read of that file', 'cat /volume/file >/dev/null'],
];

async function timed(engine: Engine, runtime: string, script: string, volume: string): Promise<number> {
  const begin = performance.now();
  await good(engine.docker(['run', '--rm', '--runtime', runtime, '-v', `${volume}:/volume`, 'busybox', 'sh', '-c', script]));
  return performance.now() - begin;
}

const directory = mkdtempSync(join(tmpdir(), 'confinement-'));
const runtimes = {
  with: variant(directory, 'with', (toml) => toml),
  without: variant(directory, 'without', withoutParts),
};
const engine = await Engine.start(runtimes, 'with');
try {
  for (const runtime of Object.keys(runtimes)) await timed(engine, runtime, 'true', directory); // the template is made
  for (const [what, script] of deeds) {
    const times: Record<string, number[]> = { with: [], without: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? ['with', 'without'] : ['without', 'with'];
      for (const runtime of order) times[runtime]?.push(await timed(engine, runtime, script, directory));
    }
    const [confined, unconfined] = [median(times['with'] ?? []), median(times['without'] ?? [])];
    console.log(
      `${what}: ${confined.toFixed(0)} ms with, ${unconfined.toFixed(0)} ms without, ratio ${(confined / unconfined).toFixed(3)}`,
    );
  }
} finally {
  await engine.stop();
  rmSync(directory, { recursive: true });
}
