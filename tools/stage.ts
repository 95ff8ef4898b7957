/** Installs all files of the packages below a directory, with a configuration for that directory (see `usage`). */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { argumentsOrUsage } from '../packaging/arguments-or-usage.ts';
import { ENGINE_DIRECTORY, enginePrograms } from '../packaging/engine/programs.ts';
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

/**
 * The directory in which the programs are built, with the paths of /usr (packaging/engine). The launchers find the executable
 * relative to their own directories.
 */
const ENGINE_BUILD = join(repository, 'packages/runtime/dist');

function installEnginePrograms(): void {
  for (const file of [ENGINE_DIRECTORY, ...enginePrograms.map(({ path }) => path)]) {
    const target = inRoot(`/usr/${file}`);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true, recursive: true }); // the program may be running
    cpSync(join(ENGINE_BUILD, file), target, { recursive: true, verbatimSymlinks: true });
  }
}

function installGuest(): void {
  const share = inRoot('/usr/share/kata-containers');
  mkdirSync(share, { recursive: true });
  run(join(repository, 'packaging/kernel/build.sh'), ['--output', share]);
  const crun = join(repository, '.cache/crun');
  run(join(repository, 'packaging/crun/build.sh'), ['--output', crun]);
  const agent = join(repository, 'packages/agent/dist');
  const options = ['--agent', agent, '--crun', join(crun, 'crun'), '--output', share, '--type', 'both'];
  run(process.execPath, [join(repository, 'packaging/image/build.ts'), ...options]);
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

function stage(): void {
  say('bundling');
  run(join(repository, 'node_modules/.bin/nx'), ['run-many', '-t', 'build', '--outputStyle=stream']);
  installGuest();
  installQemu();
  installConfiguration();
  installCompletion();
  installEnginePrograms();
  say(`ready: ${inRoot('/usr/bin/kata-runtime')}`);
}

if (given) stage();
