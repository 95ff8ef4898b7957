/**
 * Builds the guest image and the initrd: `node packaging/image/build.ts --agent DIR --crun FILE --output DIR [--type …]`, where the first
 * directory is that of the built agent (packaging/engine). Needs no root and no loop device. packaging/cache keeps the result by the hash
 * of its inputs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { imageInputs } from './image-inputs.ts';
import { packImage, packInitrd } from './pack-image.ts';
import { missingPackages, stageRootfs } from './stage-rootfs.ts';

const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    agent: { type: 'string' },
    crun: { type: 'string' },
    output: { type: 'string' },
    /** Empty directory for the result; packaging/cache passes this option. */
    into: { type: 'string' },
    type: { type: 'string', default: 'image' },
  },
});
const { agent, crun, output, into, type } = values;
if (
  agent === undefined ||
  crun === undefined ||
  (output === undefined) === (into === undefined) ||
  !['image', 'initrd', 'both'].includes(type)
) {
  throw new Error('usage: build.ts --agent DIR --crun FILE --output DIR [--type image|initrd|both]');
}
const missing = missingPackages();
if (missing.length > 0) throw new Error(`missing packages: apt-get install ${missing.join(' ')}`);
const inputs = { agent: resolve(agent), crun: resolve(crun) };

/** Modification time of all files: the day of Kata Containers' first release. */
const DATE = Number(process.env['SOURCE_DATE_EPOCH'] ?? 1526947200);
const { version } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8')) as { version: string };

function inputsKey(): string {
  const { files, packages } = imageInputs(inputs);
  const texts = [type, String(DATE), version, process.version];
  const options = [...packages.flatMap((name) => ['-p', name]), ...texts.flatMap((text) => ['-t', text])];
  return execFileSync(join(here, '../cache/input-key.sh'), [...options, ...files], { encoding: 'utf8' }).trim();
}

const say = (text: string): void => console.log(`image: ${text}`);
const mebibytes = (path: string): string => `${(statSync(path).size / (1 << 20)).toFixed(0)} MiB`;

function build(directory: string): void {
  const root = join(directory, 'rootfs');
  mkdirSync(root);
  say('building the root file system');
  const manifest = stageRootfs(root, { ...inputs, agentVersion: version, date: DATE });
  writeFileSync(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const [name, pack] of [
    ['kata-containers.img', packImage],
    ['kata-containers-initrd.img', packInitrd],
  ] as const) {
    if (type !== 'both' && (type === 'image') !== (pack === packImage)) continue;
    pack(root, join(directory, name), DATE, process.env);
    say(`${name}: ${mebibytes(join(directory, name))}`);
  }
  rmSync(root, { recursive: true });
}

if (into !== undefined) build(into);
else {
  const args = ['--agent', inputs.agent, '--crun', inputs.crun, '--type', type, '--into'];
  const command = [process.execPath, '--no-warnings', join(here, 'build.ts'), ...args];
  execFileSync(join(here, '../cache/keep.sh'), ['image', inputsKey(), output ?? '', ...command], { stdio: 'inherit' });
}
