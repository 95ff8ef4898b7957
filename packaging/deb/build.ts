/**
 * Builds .debs and an apt repository, see `usage`. The packages are those of packaging/rpm, converted: names, contents, dependencies
 * and scriptlets have one description. Needs rpm, rpm2cpio, dpkg-deb and apt-ftparchive.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { argumentsOrUsage } from '../arguments-or-usage.ts';
import { readArguments, usage } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import { changelog, control, maintainerScript } from './control.ts';
import type { PackageFacts, ScriptName } from './control.ts';
import { copyright } from './copyright.ts';
import { lintianOverrides } from './lintian-overrides.ts';

const repository = resolve(import.meta.dirname, '../..');
const say = (text: string): void => console.log(`deb: ${text}`);

const run = (program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = repository): string =>
  execFileSync(program, [...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...environment },
  });

const query = (file: string, format: string): string => run('rpm', ['-qp', '--qf', format, file]);
const items = (text: string): string[] => text.split(' ').filter((word) => word !== '' && word !== '(none)');

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort(); // prettier-ignore
}

function readFacts(file: string, tree: string): PackageFacts {
  const [name = '', version = '', summary = '', licence = '', recommends = '', suggests = ''] = query(
    file,
    '%{NAME}\n%{VERSION}-%{RELEASE}\n%{SUMMARY}\n%{LICENSE}\n[%{RECOMMENDNAME} ]\n[%{SUGGESTNAME} ]\n',
  ).split('\n');
  const requires = run('rpm', ['-qp', '--requires', file]).split('\n').filter(Boolean);
  const bytes = filesBelow(tree).reduce((sum, path) => sum + statSync(path).size, 0);
  return {
    name,
    version,
    summary,
    licence,
    description: query(file, '%{DESCRIPTION}'),
    requires,
    recommends: items(recommends),
    suggests: items(suggests),
    kibibytes: Math.ceil(bytes / 1024),
  };
}

/** The places of licences and manual pages in Debian (Debian Policy 12.1, 12.5, 12.7). */
function arrange(tree: string, facts: PackageFacts, seconds: number): void {
  const documents = join(tree, 'usr/share/doc', facts.name);
  mkdirSync(documents, { recursive: true });
  const licences = join(tree, 'usr/share/licenses', facts.name);
  const texts = existsSync(licences) ? filesBelow(licences).map((path) => readFileSync(path, 'utf8')) : [];
  writeFileSync(join(documents, 'copyright'), copyright(facts, texts));
  rmSync(join(tree, 'usr/share/licenses'), { recursive: true, force: true });
  writeFileSync(join(documents, 'changelog.Debian.gz'), gzipSync(changelog(facts, seconds), { level: 9 }));
  const manual = join(tree, 'usr/share/man');
  for (const path of existsSync(manual) ? filesBelow(manual) : []) {
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    rmSync(path);
  }
  const upstream = join(documents, 'CHANGELOG.md');
  if (existsSync(upstream)) {
    writeFileSync(join(documents, 'changelog.gz'), gzipSync(readFileSync(upstream), { level: 9 }));
    rmSync(upstream);
  }
  const overrides = join(tree, 'usr/share/lintian/overrides');
  mkdirSync(overrides, { recursive: true });
  writeFileSync(join(overrides, facts.name), lintianOverrides(facts.name));
}

const scriptlets: readonly [name: ScriptName, tag: string][] = [
  ['postinst', 'POSTIN'],
  ['prerm', 'PREUN'],
  ['postrm', 'POSTUN'],
];

function writeControl(file: string, tree: string, facts: PackageFacts): void {
  const directory = join(tree, 'DEBIAN');
  const sums = filesBelow(tree).map((path) => path.slice(tree.length + 1));
  mkdirSync(directory);
  writeFileSync(join(directory, 'control'), control(facts));
  if (sums.length > 0) writeFileSync(join(directory, 'md5sums'), run('md5sum', sums, {}, tree));
  for (const [name, tag] of scriptlets) {
    const text = query(file, `%{${tag}}`);
    if (text !== '(none)') writeFileSync(join(directory, name), maintainerScript(name, text), { mode: 0o755 });
  }
}

interface Target {
  readonly output: string;
  /** Options of dpkg-deb. */
  readonly compression: readonly string[];
}

function convert(file: string, work: string, { output, compression }: Target): void {
  const seconds = Number(query(file, '%{BUILDTIME}'));
  const tree = mkdtempSync(join(work, 'tree-'));
  run('sh', ['-c', 'rpm2cpio "$1" | cpio --extract --make-directories --quiet', 'sh', file], {}, tree);
  const facts = readFacts(file, tree);
  arrange(tree, facts, seconds);
  writeControl(file, tree, facts);
  run('chmod', ['-R', 'u=rwX,go=rX', tree]);
  run('find', [tree, '-exec', 'touch', '--no-dereference', `--date=@${seconds}`, '{}', '+']);
  run('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, output], { SOURCE_DATE_EPOCH: String(seconds) });
  rmSync(tree, { recursive: true });
}

/** A flat repository: `deb [signed-by=KEYRING] URL ./`. */
function publish(output: string, seconds: number, key: string | undefined): void {
  for (const name of readdirSync(output)) utimesSync(join(output, name), seconds, seconds);
  writeFileSync(join(output, 'Packages'), run('apt-ftparchive', ['packages', '.'], {}, output));
  const labels = ['Origin=Kata Containers', 'Label=Kata Containers', 'Suite=stable', 'Architectures=amd64'];
  const options = [...labels.map((label) => `APT::FTPArchive::Release::${label}`), 'APT::FTPArchive::Release::Components=.'];
  const release = run('apt-ftparchive', [...options.flatMap((option) => ['-o', option]), 'release', '.'], {}, output);
  writeFileSync(
    join(output, 'Release'),
    release.replace(/^Date: .*$/m, `Date: ${new Date(seconds * 1000).toUTCString().replace('GMT', 'UTC')}`),
  );
  if (key === undefined) return;
  const gpg = ['--batch', '--yes', '--local-user', key];
  run('gpg', [...gpg, '--clearsign', '--output', join(output, 'InRelease'), join(output, 'Release')]);
  run('gpg', [...gpg, '--output', join(output, 'kata-containers.gpg'), '--export', key]);
}

function build({ values, positionals }: Arguments): void {
  const output = resolve(positionals[0] ?? join(repository, '.cache/deb'));
  const work = mkdtempSync(join(tmpdir(), 'kata-deb-'));
  try {
    const staged = values.stage === undefined ? [] : ['--stage', resolve(values.stage)];
    const rpms = join(work, 'rpm');
    say('building the RPMs, which are converted');
    const builder = join(repository, 'packaging/rpm/build.ts');
    execFileSync(process.execPath, [builder, '--release', values.release, ...staged, rpms], { stdio: ['ignore', 'inherit', 'inherit'] });
    const packages = join(rpms, 'x86_64');
    const made = join(work, 'deb');
    mkdirSync(made);
    for (const name of readdirSync(packages).sort()) {
      const file = join(packages, name);
      say(query(file, '%{NAME} %{VERSION}-%{RELEASE}'));
      convert(file, work, { output: made, compression: values.uncompressed ? ['-Znone'] : ['-Zxz', '-z1'] });
    }
    publish(made, Number(query(join(packages, readdirSync(packages)[0] ?? ''), '%{BUILDTIME}')), values.sign);
    rmSync(output, { recursive: true, force: true });
    mkdirSync(dirname(output), { recursive: true });
    try {
      renameSync(made, output);
    } catch {
      cpSync(made, output, { recursive: true, preserveTimestamps: true }); // another file system
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say(`ready: ${output}`);
}

const given = argumentsOrUsage('deb', usage, readArguments);
if (given) build(given);
