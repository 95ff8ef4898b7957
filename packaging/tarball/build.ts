/**
 * Builds a static tarball (see `usage`) with the files of all packages, below /opt/kata, for hosts that use neither RPM nor deb packages. Its
 * bytes depend only on the sources.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { argumentsOrUsage } from '../arguments-or-usage.ts';
import { sourceDate } from '../source-date.ts';
import { readArguments, usage } from './arguments.ts';
import { componentsOf } from './components.ts';
import { sbom } from './sbom.ts';
import { PREFIX, arrange, reproducibleTar, stageTree } from './tree.ts';

const repository = resolve(import.meta.dirname, '../..');
const say = (text: string): void => console.log(`tarball: ${text}`);

const given = argumentsOrUsage('tarball', usage, readArguments);

const run = (program: string, args: readonly string[]): void =>
  void execFileSync(program, [...args], {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });

async function build(output: string, stage: string, isStaged: boolean): Promise<void> {
  say('making the tree: bundles, kernel, image, QEMU');
  stageTree(stage, isStaged);
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
  const file = join(output, `kata-static-${version}-x86_64.tar.zst`);
  const seconds = sourceDate(repository);
  const work = mkdtempSync(join(tmpdir(), 'kata-tarball-'));
  try {
    const tree = join(work, PREFIX.slice(1));
    mkdirSync(join(tree, '..'), { recursive: true });
    await arrange(stage, tree);
    mkdirSync(output, { recursive: true });
    say('compressing, half a minute');
    run('tar', ['-C', work, ...reproducibleTar(seconds), '-I', 'zstd -9 -T0', '-cf', file, PREFIX.slice(1)]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  writeFileSync(`${file}.sha256`, `${sha256}  ${basename(file)}\n`);
  const created = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const document = sbom({ name: basename(file), version, sha256, created }, await componentsOf(repository, stage));
  writeFileSync(`${file}.spdx.json`, `${JSON.stringify(document, null, 2)}\n`);
  say(`ready: ${file}`);
}

if (given) {
  const { values, positionals } = given;
  const output = resolve(positionals[0] ?? join(repository, '.cache/tarball'));
  await build(output, resolve(values.stage ?? join(repository, '.cache/tarball-stage')), values.stage !== undefined);
}
