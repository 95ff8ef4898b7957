/**
 * pjdfstest on a container's root and on a volume, with runc, 9p, virtio-fs and a disk. By hand: KATA_PJDFSTEST_IMAGE names an archive that
 * pjdfstest-image.sh has made. KATA_PJDFSTEST_SCRIPTS, such as `rename/00.t chmod/00.t`, chooses scripts. Prints the number of cases.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime, variant } from '../support/staged.ts';

const image = process.env['KATA_PJDFSTEST_IMAGE'];
const scripts = (process.env['KATA_PJDFSTEST_SCRIPTS'] ?? '').split(' ').filter(Boolean);
const LIMIT_MS = 3_000_000;
/** Places with each runtime. */
const PLACES = {
  runc: ['/root', '/volume'],
  '9p': ['/root', '/volume'],
  'virtio-fs': ['/root', '/volume'],
  disk: ['/disk'],
} as const;

interface Results {
  readonly cases: number;
  readonly failures: readonly string[];
}

/** Judges the output of one script, TAP: `1..N`, then `ok I` or `not ok I - TEXT`; `# TODO` marks cases that fail on Linux. */
function judge(script: string, output: string): Results {
  const lines = output.split('\n');
  const planned = Number(/^1\.\.(\d+)$/m.exec(output)?.[1] ?? -1);
  const cases = lines.filter((line) => /^(not )?ok /.test(line)).length;
  const failures = lines.filter((line) => line.startsWith('not ok') && !line.includes('# TODO'));
  if (planned !== cases) failures.push(`${cases} of ${planned} cases`);
  return { cases, failures: failures.map((failure) => `${script}: ${failure}`) };
}

describe('pjdfstest', function () {
  this.timeout(LIMIT_MS);
  let engine: Engine;
  let directory = '';
  const loops = new LoopDevices();
  onCleanMachine(async () => {
    assert.ok(image !== undefined, 'KATA_PJDFSTEST_IMAGE is not set');
    directory = mkdtempSync(join(tmpdir(), 'kata-pjdfstest-'));
    const withVirtioFs = (toml: string): string => toml.replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"');
    engine = await Engine.start({ '9p': kataRuntime, 'virtio-fs': variant(directory, 'virtio-fs', withVirtioFs) }, '9p');
    await good(engine.docker(['import', '-c', 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', image, 'pjdfstest']));
    return engine;
  });
  after(async () => {
    await loops.close();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => engine.removeAll());

  for (const [runtime, places] of Object.entries(PLACES))
    for (const place of places)
      it(`${runtime}, ${place}`, async () => {
        const [volume, output] = ['volume', 'output'].map((name) => join(directory, `${runtime}${place.slice(1)}-${name}`));
        assert.ok(volume && output);
        for (const path of [volume, output]) mkdirSync(path);
        const run = `/pjdfstest/run.sh ${place}/cases /output ${scripts.join(' ')}`;
        const options = ['--rm', '--runtime', runtime === 'disk' ? '9p' : runtime, '-v', `${volume}:/volume`, '-v', `${output}:/output`];
        if (runtime === 'disk') {
          // mkfs.ext4 chooses blocks of 4 KiB from 512 MiB on: the longest target of a symbolic link needs them.
          const disk = await loops.attach(join(directory, 'disk.img'), 1024, { format: true });
          options.push('--privileged', '--device', `${disk}:/dev/disk`);
        }
        const script = runtime === 'disk' ? `mkdir /disk && mount -t ext4 /dev/disk /disk && ${run}` : run;
        await good(engine.docker(['run', ...options, 'pjdfstest', 'bash', '-c', script], { timeoutMs: LIMIT_MS }));
        const results = readdirSync(output).map((name) => judge(name, readFileSync(join(output, name), 'utf8')));
        const cases = results.reduce((sum, result) => sum + result.cases, 0);
        const failures = results.flatMap((result) => result.failures);
        console.log(`      ${cases} cases of ${results.length} scripts, ${failures.length} failed`);
        assert.ok(cases > 0);
        assert.deepEqual(failures, []);
      });
});
