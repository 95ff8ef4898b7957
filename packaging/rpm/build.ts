/**
 * Builds all packages and a repository of them, see `usage`. npm runs it on the Node of this repository; an older Node cannot
 * read TypeScript.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { configurationManPage } from '../man/configuration-page.ts';
import { flagsPage, pagePrograms } from '../man/flags-page.ts';
import { argumentsOrUsage } from '../arguments-or-usage.ts';
import { sourceDate } from '../source-date.ts';
import { readArguments, usage } from './arguments.ts';
import { bundledLibraries, provides } from './bundled-libraries.ts';
import { collectLicences } from './licences.ts';
import { readVersions, rpmVersion } from './versions.ts';

const repository = resolve(import.meta.dirname, '../..');
const say = (text: string): void => console.log(`rpm: ${text}`);

const given = argumentsOrUsage('rpm', usage, readArguments);
const { values, positionals } = given ?? readArguments([]);
const output = resolve(positionals[0] ?? join(repository, '.cache/rpm'));
const stage = resolve(values.stage ?? join(repository, '.cache/rpm-stage'));

const date = sourceDate(repository);
const run = (program: string, args: readonly string[], stdout: 'inherit' | 'pipe' = 'pipe'): void =>
  void execFileSync(program, [...args], {
    cwd: repository,
    stdio: ['ignore', stdout, 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: date, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });

const programPath = (name: string): string =>
  (process.env['PATH'] ?? '')
    .split(':')
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path)) ?? name;

/** Which packages bundle what. */
const bundles = {
  'kata-engine': [
    ...['packages/runtime/src/main.ts', 'packages/proxy/src/main.ts', 'packages/shim/src/main.ts'],
    ...['packages/ksm-throttler/src/main.ts', 'packages/ksm-throttler/src/trigger/vc/main.ts'],
  ],
  'kata-containers-image': ['packages/agent/src/main.ts'],
};
type Libraries = Readonly<Record<string, readonly string[]>>;

async function readLibraries(): Promise<Libraries> {
  const result: Record<string, readonly string[]> = {};
  for (const [name, entries] of Object.entries(bundles)) result[name] = await bundledLibraries(entries);
  return result;
}

/** `kata-engine` as macros can be called. */
const macroName = (name: string): string => `bundled_${name.replaceAll('-', '_')}`;

function macros(libraries: Libraries): Record<string, string> {
  const versions = readVersions(repository, stage);
  const bundled = Object.entries(libraries).map(([name, directories]) => [
    macroName(name),
    directories.length === 0 ? '%{nil}' : `Provides: ${directories.map(provides).sort().join(', ')}`,
  ]);
  return {
    stage,
    repository,
    kata_version: values.version === undefined ? versions.kata : rpmVersion(values.version),
    kata_release: values.release,
    kernel_version: versions.kernel,
    qemu_version: versions.qemu,
    ...(Object.fromEntries(bundled) as Record<string, string>),
  };
}

async function buildPackages(work: string): Promise<void> {
  const [manual, licences] = [join(work, 'man'), join(work, 'licences')];
  for (const directory of [manual, licences]) mkdirSync(directory);
  writeFileSync(join(manual, 'kata-configuration.toml.5'), configurationManPage());
  for (const program of pagePrograms) writeFileSync(join(manual, `${program.name}.8`), flagsPage(program));
  const libraries = await readLibraries();
  collectLicences(licences, { repository, stage, libraries });
  const defined = { ...macros(libraries), manual, licences, _topdir: work, _rpmdir: join(work, 'RPMS') };
  const definitions = Object.entries(defined).flatMap(([name, text]) => ['--define', `${name} ${text}`]);
  run('rpmbuild', ['-bb', '--quiet', '--target', 'x86_64', ...definitions, join(repository, 'packaging/rpm/kata-containers.spec')]);
}

/** Packages are signed after the build: without the signatures, a build without the key has the same bytes. */
function publish(work: string): void {
  rmSync(join(output, 'x86_64'), { recursive: true, force: true });
  rmSync(join(output, 'repodata'), { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const packages = join(output, 'x86_64');
  cpSync(join(work, 'RPMS/x86_64'), packages, { recursive: true });
  const files = readdirSync(packages)
    .sort()
    .map((name) => join(packages, name));
  const key = values.sign;
  // Distributions build rpm with different paths of gpg.
  const gpg = ['--define', `_gpg_name ${key ?? ''}`, '--define', `__gpg ${programPath('gpg')}`];
  if (key !== undefined) run('rpmsign', ['--addsign', ...gpg, ...files]);
  // The lists of the repository contain the modification times of its files.
  for (const file of files) utimesSync(file, Number(date), Number(date));
  run('createrepo_c', ['--quiet', '--revision', date, '--set-timestamp-to-revision', output]);
  if (key !== undefined) {
    run('gpg', ['--batch', '--yes', '--local-user', key, '--detach-sign', '--armor', join(output, 'repodata/repomd.xml')]);
    run('gpg', ['--batch', '--yes', '--armor', '--output', join(output, 'RPM-GPG-KEY-kata-containers'), '--export', key]);
  }
  writeFileSync(join(output, 'kata-containers.repo'), repositoryFile(key !== undefined));
}

/** For /etc/yum.repos.d and `yum-config-manager --add-repo`. */
function repositoryFile(signed: boolean): string {
  const address = values.baseurl?.replace(/\/+$/, '') ?? `file://${output}`;
  const check = signed ? `gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=${address}/RPM-GPG-KEY-kata-containers` : 'gpgcheck=0';
  return `[kata-containers]\nname=Kata Containers\nbaseurl=${address}\nenabled=1\n${check}\n`;
}

async function build(): Promise<void> {
  if (values.stage === undefined) {
    // Otherwise files of an earlier version would be kept.
    rmSync(stage, { recursive: true, force: true });
    say('making the tree: bundles, kernel, image, QEMU');
    run(process.execPath, [join(repository, 'tools/stage.ts'), '--packages', stage], 'inherit');
  }
  const work = mkdtempSync(join(tmpdir(), 'kata-rpm-'));
  try {
    say('building and compressing the packages, up to a minute');
    await buildPackages(work);
    publish(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say(`ready: ${output}/kata-containers.repo`);
}

if (given) await build();
