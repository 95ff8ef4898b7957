/**
 * File system calls on a container's root and on a volume, beside runc: each case of file-cases.txt as three users. file-differences.txt
 * lists the differences; docs/file-systems.md explains them.
 */
import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run } from '../support/run.ts';
import { isOtherQemu, kataRuntime, variant } from '../support/staged.ts';

const HERE = import.meta.dirname;
const SHARES = ['9p', 'virtio-fs', 'disk'] as const;

/** Result of each case and user. */
type Results = ReadonlyMap<string, string>;

const parse = (output: string): Results =>
  new Map(
    output
      .trim()
      .split('\n')
      .map((line): [string, string] => {
        const [name = '', result = ''] = line.split(/: (.*)/s);
        return [name, result];
      }),
  );

/** `CASE, USER: OURS (runc: THEIRS)` */
const differences = (ours: Results, theirs: Results): string[] =>
  [...theirs].flatMap(([name, result]) => (ours.get(name) === result ? [] : [`${name}: ${ours.get(name)} (runc: ${result})`]));

const DIFFERENCES = join(HERE, 'file-differences.txt');
const HEAD =
  '# What file systems of containers give that differs from runc: CASE, USER: OURS (runc: THEIRS). Reasons: docs/file-systems.md.\n';

/** Lines of file-differences.txt below `[SHARE]`. */
function expected(share: string): string[] {
  const parts = readFileSync(DIFFERENCES, 'utf8').split(/^\[(.+)\]\n/m);
  const text = parts[parts.indexOf(share) + 1] ?? '';
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('file systems of containers compared with runc', function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  const loops = new LoopDevices();
  let disk = '';
  const runc = new Map<string, Results>();
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-files-'));
    const withVirtioFs = (toml: string): string =>
      toml.replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"').replace(/^(default_memory = ).*$/m, '$1512');
    return (engine = await Engine.start({ '9p': kataRuntime, 'virtio-fs': variant(directory, 'virtio-fs', withVirtioFs) }, '9p'));
  });
  before(async () => {
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(DIFFERENCES, HEAD);
    await good(run('gcc', ['-O1', '-Wall', '-Werror', '-static', '-o', join(directory, 'file-cases'), join(HERE, 'file-cases.c')]));
    disk = await loops.attach(join(directory, 'disk.img'), 32, { format: true });
    await start('runc');
    for (const place of ['/root', '/volume']) runc.set(place, await results('runc', place));
  });
  after(async () => {
    await loops.close();
    rmSync(directory, { recursive: true });
  });

  async function start(name: string, ...options: string[]): Promise<void> {
    const volume = join(directory, `${name}-volume`);
    mkdirSync(volume);
    for (const file of ['file-cases', 'file-cases.txt'])
      copyFileSync(join(file === 'file-cases' ? directory : HERE, file), join(volume, file));
    const args = ['run', '-d', '--name', name, '--runtime', name === 'disk' ? '9p' : name, '-v', `${volume}:/volume`, ...options];
    await good(engine.docker([...args, 'busybox', 'sleep', '1000']));
  }

  const results = async (container: string, place: string): Promise<Results> => {
    const script = `mkdir -p ${place}/cases && /volume/file-cases /volume/file-cases.txt ${place}/cases`;
    return parse(await good(engine.docker(['exec', container, 'sh', '-c', script])));
  };

  for (const share of SHARES)
    describe(share, () => {
      before(async () => {
        if (share !== 'disk') return start(share);
        await start(share, '--privileged', '--device', `${disk}:/dev/disk`);
        await good(engine.docker(['exec', share, 'sh', '-c', 'mkdir /disk && mount -t ext4 /dev/disk /disk']));
      });
      after(() => engine.docker(['rm', '-f', share]));

      for (const place of share === 'disk' ? ['/disk'] : ['/root', '/volume'])
        it(`${place} behaves as on runc, except listed differences`, async function () {
          if (isOtherQemu) return this.skip(); // its 9p refuses special files
          const theirs = runc.get(place === '/root' ? '/root' : '/volume') ?? new Map<string, string>();
          const found = differences(await results(share, place), theirs);
          if (process.env['UPDATE_GOLDEN'] !== undefined)
            appendFileSync(DIFFERENCES, [`[${share} ${place}]`, ...found].map((line) => `${line}\n`).join(''));
          assert.deepEqual(found, expected(`${share} ${place}`));
        });

      /** Programs recognize a mount point by the device numbers of a directory and its parent, or of a file and its directory. */
      if (share === '9p')
        it('each mount has a device number of its own', async function () {
          if (isOtherQemu) return this.skip();
          const script = [
            'mkdir -p /volume/below; number() { stat -c %d "$1"; }',
            'for path in /bin /volume /volume/below /etc/hosts /proc; do [ $(number $path) = $(number ${path%/*}/) ] || echo $path; done',
            'find / -xdev -name below; find /volume -xdev -name below',
            'df /volume | tail -n 1 | tr -s " " | cut -d " " -f 6',
          ].join('; ');
          const outputs = await Promise.all(['runc', share].map((name) => good(engine.docker(['exec', name, 'sh', '-c', script]))));
          assert.equal(outputs[1], outputs[0]);
          assert.match(outputs[1] ?? '', /^\/volume\n\/etc\/hosts\n\/proc\n/);
        });

      if (share === '9p')
        it('statfs has the block size and the number of blocks of the host, also for special files', async function () {
          if (isOtherQemu) return this.skip();
          const script = 'cd /volume; mkfifo pipe; mknod null c 1 3; stat -f -c "%n %S %b" / . pipe null /etc/hosts; rm pipe null';
          const outputs = await Promise.all(['runc', share].map((name) => good(engine.docker(['exec', name, 'sh', '-c', script]))));
          assert.equal(outputs[1], outputs[0]);
          assert.match(outputs[1] ?? '', /^(\S+ \d+ [1-9]\d*\n){5}$/);
        });
    });
});
