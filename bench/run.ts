/** Measures side by side with runc in one run, and prints medians and ratios: as a table, and as JSON with --json. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Engine, run } from '../tests/e2e/engine.ts';
import { kataRuntime, stage } from '../tests/e2e/staged.ts';
import { boot } from './boot.ts';
import { median, timeRuns } from './measure.ts';
import { memoryOf } from './memory.ts';

const RUNS = 5;

interface Row {
  readonly what: string;
  readonly kata: number;
  readonly unit: string;
  readonly runc?: number;
}

const rows: Row[] = [];
const say = (text: string): void => console.error(`bench: ${text}`);

/** One runtime after the other: at the same time they would disturb each other. */
async function compare(what: string, engine: Engine, words: (runtime: string) => string[]): Promise<void> {
  const kata = median(await timeRuns(RUNS, () => engine.docker(words('kata-runtime'))));
  const runc = median(await timeRuns(RUNS, () => engine.docker(words('runc'))));
  rows.push({ what, kata, runc, unit: 'ms' });
}

const engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'runc');
try {
  say('docker run');
  await compare('docker run --rm busybox true', engine, (runtime) => ['run', '--rm', '--runtime', runtime, 'busybox', 'true']);
  for (const runtime of ['kata-runtime', 'runc'])
    await engine.docker(['run', '-d', '--runtime', runtime, '--name', runtime, 'busybox', 'sleep', '1000']);
  say('docker exec');
  await compare('docker exec C true', engine, (runtime) => ['exec', runtime, 'true']);
  for (const [name, pattern] of [
    ['QEMU', /qemu-system.*sandbox-/],
    ['kata-proxy', /kata-proxy\0/],
    ['kata-shim', /kata-shim\0/],
  ] as const) {
    const { pssMiB, privateMiB } = memoryOf(pattern);
    rows.push(
      { what: `${name}, idle container, PSS`, kata: pssMiB, unit: 'MiB' },
      { what: `${name}, idle container, private`, kata: privateMiB, unit: 'MiB' },
    );
  }
} finally {
  await engine.stop();
}
say('boot');
const boots = [];
for (let index = 0; index < RUNS; index++) boots.push(await boot());
rows.push({ what: 'QEMU start → init', kata: median(boots.map(({ initMs }) => initMs)), unit: 'ms' });
rows.push({ what: 'init → agent answering', kata: median(boots.map(({ initMs, answeringMs }) => answeringMs - initMs)), unit: 'ms' });
say('verbs');
// As an engine's: certificates that the user adds for Node would be read at each start.
const environment = { PATH: process.env['PATH'] };
for (const words of [['--version'], ['list'], ['state', 'nobody'], ['kill', 'nobody']]) {
  rows.push({
    what: `kata-runtime ${words.join(' ')}`,
    kata: median(await timeRuns(RUNS * 3, () => run(kataRuntime, words, {}, environment))),
    unit: 'ms',
  });
}
for (const [what, path] of [
  ['kernel', 'usr/share/kata-containers/vmlinuz.container'],
  ['image, allocated', 'usr/share/kata-containers/kata-containers.img'],
  ['kata-runtime', 'usr/libexec/kata-containers/kata-runtime.packed'],
  ['kata-proxy', 'usr/libexec/kata-containers/kata-proxy.packed'],
  ['kata-shim', 'usr/libexec/kata-containers/kata-shim.packed'],
] as const) {
  const file = join(stage, path);
  if (existsSync(file)) rows.push({ what: `size of ${what}`, kata: (statSync(file).blocks * 512) / (1 << 20), unit: 'MiB' });
}

if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2));
else {
  console.log(`\n${'median of 5 or more'.padEnd(44)}${'kata'.padStart(12)}${'runc'.padStart(12)}${'ratio'.padStart(8)}`);
  for (const { what, kata, runc, unit } of rows) {
    const number = (value: number): string => `${value.toFixed(unit === 'ms' ? 0 : 1)} ${unit}`.padStart(12);
    console.log(`${what.padEnd(44)}${number(kata)}${runc === undefined ? '' : number(runc) + (kata / runc).toFixed(1).padStart(8)}`);
  }
}
