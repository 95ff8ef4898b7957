/** The static tarball: its checksum, its bill of materials, unpacked to /opt/kata and moved to another place, with docker. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import { removeTemplates } from '../support/templates.ts';

const repository = resolve(import.meta.dirname, '../..');
const builder = join(repository, 'packaging/tarball/build.ts');

interface Bill {
  readonly packages: readonly { readonly SPDXID: string; readonly name: string; readonly versionInfo: string }[];
}

describe('static tarball', function () {
  this.timeout(240_000);
  this.bail(true);
  let directory = '';
  let first = '';
  const tarball = (): string => readdirSync(first).find((name) => name.endsWith('.tar.zst')) ?? assert.fail('no tarball');
  const build = (output: string, ...args: string[]): Promise<string> =>
    good(run(process.execPath, [builder, ...args, output], { timeoutMs: 200_000 }));
  before(async () => {
    assert.deepEqual(leftovers(), []);
    await removeTemplates(process.pid);
    directory = mkdtempSync(join(tmpdir(), 'kata-tarball-'));
    first = join(directory, 'first');
    await build(first);
  });
  after(() => {
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('has a checksum, and the same bytes when it is built again', async () => {
    const again = join(directory, 'again');
    await build(again, '--stage', join(repository, '.cache/tarball-stage'));
    const sum = `${tarball()}.sha256`;
    assert.match(await good(run('sh', ['-c', `cd ${first} && sha256sum -c ${sum}`])), /: OK\n$/);
    for (const name of readdirSync(first))
      if (!name.endsWith('.zst')) assert.equal(readFileSync(join(first, name), 'utf8'), readFileSync(join(again, name), 'utf8'));
    rmSync(again, { recursive: true });
  });

  it('has a bill of materials', () => {
    const { packages } = JSON.parse(readFileSync(join(first, `${tarball()}.spdx.json`), 'utf8')) as Bill;
    const names = packages.map(({ name }) => name);
    for (const name of ['linux', 'qemu', 'crun', 'bun', 'libc6', 'iproute2', 'busybox-static', 'commander', '@grpc/grpc-js', 'smol-toml'])
      assert.ok(names.includes(name), name);
    assert.equal(new Set(packages.map(({ SPDXID }) => SPDXID)).size, packages.length);
    assert.deepEqual(packages.filter(({ versionInfo }) => versionInfo === ''), []); // prettier-ignore
  });

  it('runs in /opt/kata', async () => {
    await good(run('tar', ['-C', directory, '--zstd', '-xf', join(first, tarball())]));
    const script = `mkdir -p /opt && mount --bind ${directory}/opt /opt && env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /opt/kata/bin/kata-runtime "$@"`;
    const inPlace = (...args: string[]): Promise<string> =>
      good(run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...args]));
    assert.match(await inPlace('--version'), /^kata-runtime {2}: \d/);
    assert.match(await inPlace('kata-env'), /Path = "\/opt\/kata\/usr\/share\/kata-containers\/kata-containers\.img"/);
  });

  it('runs in another directory after relocate', async () => {
    const elsewhere = join(directory, 'else where'.replace(' ', '-'));
    mkdirSync(elsewhere);
    await good(run('mv', [join(directory, 'opt/kata'), elsewhere]));
    const kata = join(elsewhere, 'kata');
    const example = (): string => readFileSync(join(kata, 'usr/share/doc/kata-runtime/examples/crio-kata.conf'), 'utf8');
    assert.match(example(), /^runtime_path = "\/opt\/kata\/usr\/bin\/kata-runtime"$/m);
    assert.equal(await good(run(join(kata, 'relocate'), [])), `relocate: /opt/kata -> ${kata}\n`);
    const runtime = join(kata, 'bin/kata-runtime');
    assert.ok(example().includes(`\nruntime_path = "${kata}/usr/bin/kata-runtime"\n`), example());
    const report = await good(run(join(kata, 'bin/kata-collect-data.sh'), []));
    for (const file of ['kata-containers/manifest.json', 'defaults/kata-containers/configuration.toml'])
      assert.ok(report.includes(`\n\`${kata}/usr/share/${file}\`:\n`), file);
    assert.match(await good(run(runtime, ['--version'])), /^kata-runtime {2}: \d/);
    const { stdout } = await run(runtime, ['kata-check', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: readonly { readonly name: string; readonly status: string }[] };
    const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name);
    for (const name of ['configuration', 'QEMU', 'kernel', 'image', 'kata-proxy', 'kata-shim']) assert.ok(!failed.includes(name), name);
    const engine = await Engine.start({ static: runtime }, 'static');
    try {
      const output = await good(engine.docker(['run', '--rm', 'busybox', 'uname', '-r']));
      assert.match(output, /^6\.1\.\d+-1\.container\n$/);
    } finally {
      await engine.stop();
    }
  });
});
