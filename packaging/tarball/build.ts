/**
 * Builds a static tarball (see `usage`) with the files of all packages, below /opt/kata, for hosts that use neither RPM nor deb packages. Its
 * bytes depend only on the sources.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { argumentsOrUsage } from '../arguments-or-usage.ts';
import { bundledLibraries } from '../rpm/bundled-libraries.ts';
import { collectLicences } from '../rpm/licences.ts';
import { sourceDate } from '../source-date.ts';
import { readArguments, usage } from './arguments.ts';
import { componentsOf } from './components.ts';
import { sbom } from './sbom.ts';

const repository = resolve(import.meta.dirname, '../..');
const PREFIX = '/opt/kata';
const say = (text: string): void => console.log(`tarball: ${text}`);

const given = argumentsOrUsage('tarball', usage, readArguments);

const run = (program: string, args: readonly string[]): void =>
  void execFileSync(program, [...args], {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });

/** Text files of the tree that contain absolute paths of other files. */
const filesWithPaths = [
  'usr/bin/kata-runtime',
  'usr/libexec/kata-containers/kata-proxy',
  'usr/libexec/kata-containers/kata-shim',
  'usr/libexec/kata-ksm-throttler/kata-ksm-throttler',
  'usr/libexec/kata-ksm-throttler/trigger/virtcontainers/vc',
  'usr/share/defaults/kata-containers/configuration.toml',
];

/** Copies the staged tree and adds links, licences and the files of `relocate`. */
async function arrange(stage: string, tree: string): Promise<void> {
  cpSync(stage, tree, { recursive: true, verbatimSymlinks: true });
  symlinkSync('usr/bin', join(tree, 'bin'));
  copyFileSync(join(import.meta.dirname, 'relocate'), join(tree, 'relocate'));
  chmodSync(join(tree, 'relocate'), 0o755);
  writeFileSync(join(tree, '.prefix'), PREFIX);
  writeFileSync(join(tree, '.relocated'), `${filesWithPaths.join('\n')}\n`);
  const licences = join(tree, 'usr/share/licenses');
  rmSync(licences, { recursive: true, force: true }); // QEMU's, which are collected with the others
  const libraries = {
    'kata-containers': await bundledLibraries([
      'packages/runtime/src/main.ts',
      'packages/agent/src/main.ts',
      'packages/ksm-throttler/src/main.ts',
    ]),
  };
  collectLicences(licences, { repository, stage, libraries });
  for (const path of filesWithPaths) if (!lstatSync(join(tree, path)).isFile()) throw new Error(`${path} is missing in ${stage}`);
}

/** Order, owners, times and modes do not depend on the build machine. */
function pack(parent: string, file: string, seconds: string): void {
  const fixed = [
    '--sort=name',
    `--mtime=@${seconds}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u+rw,go=rX,go-w',
    '--format=gnu',
  ];
  run('tar', ['-C', parent, ...fixed, '-I', 'zstd -9 -T0', '-cf', file, PREFIX.slice(1)]);
}

async function build(output: string, stage: string, isStaged: boolean): Promise<void> {
  if (!isStaged) {
    say('making the tree: bundles, kernel, image, QEMU');
    rmSync(stage, { recursive: true, force: true });
    run(process.execPath, [join(repository, 'tools/stage.ts'), '--prefix', PREFIX, stage]);
  }
  if (!existsSync(join(stage, 'usr/bin/kata-runtime')))
    throw new Error(`${stage} does not contain a staged tree: build once without --stage`);
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
    pack(work, file, seconds);
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
