/**
 * Builds the guest image and the initrd: `node packaging/image/build.ts --agent FILE --node FILE --crun FILE --output DIR
 * [--type …]`.
 * Needs no root and no loop device. The result is kept by the hash of its inputs.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packImage, packInitrd } from './pack-image.ts';
import { programs } from './rootfs-plan.ts';
import { missingPackages, stageRootfs } from './stage-rootfs.ts';

const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    agent: { type: 'string' },
    node: { type: 'string' },
    crun: { type: 'string' },
    output: { type: 'string' },
    type: { type: 'string', default: 'image' },
    cache: { type: 'string', default: process.env['KATA_CACHE_DIR'] ?? join(here, '../../.cache') },
  },
});
const { agent, node, crun, output, type } = values;
if (
  agent === undefined ||
  node === undefined ||
  crun === undefined ||
  output === undefined ||
  !['image', 'initrd', 'both'].includes(type)
) {
  throw new Error('usage: build.ts --agent FILE --node FILE --crun FILE --output DIR [--type image|initrd|both] [--cache DIR]');
}
const missing = missingPackages();
if (missing.length > 0) throw new Error(`packages are missing: apt-get install ${missing.join(' ')}`);

/** Files are dated with this: the day of Kata Containers' first release. */
const DATE = Number(process.env['SOURCE_DATE_EPOCH'] ?? 1526947200);
const { version } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8')) as { version: string };

/** Changes when any file that goes in, or the way they are put together, changes. */
function inputsHash(): string {
  const hash = createHash('sha256');
  const builder = readdirSync(here)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort();
  for (const name of builder) hash.update(readFileSync(join(here, name)));
  for (const { source } of programs) hash.update(readFileSync(source));
  const libc = execFileSync('dpkg-query', ['-W', 'libc6', 'libstdc++6', 'crun', 'e2fsprogs'], { encoding: 'utf8' });
  for (const text of [libc, agent ?? '', type, String(DATE), version, String(statSync(node ?? '').size)]) hash.update(text);
  return hash
    .update(readFileSync(agent ?? ''))
    .update(readFileSync(crun ?? ''))
    .digest('hex')
    .slice(0, 32);
}

const say = (text: string): void => console.log(`image: ${text}`);
const mebibytes = (path: string): string => `${(statSync(path).size / (1 << 20)).toFixed(0)} MiB`;

function build(directory: string): void {
  const root = join(directory, 'rootfs');
  mkdirSync(root);
  say('laying out the root file system');
  const manifest = stageRootfs(root, {
    agent: resolve(agent ?? ''),
    node: resolve(node ?? ''),
    crun: resolve(crun ?? ''),
    agentVersion: version,
    date: DATE,
  });
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

const entry = join(values.cache, 'image', inputsHash());
if (!existsSync(entry)) {
  mkdirSync(dirname(entry), { recursive: true });
  const temporary = mkdtempSync(`${entry}.`);
  try {
    build(temporary);
    renameSync(temporary, entry);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
} else say('unchanged');
mkdirSync(output, { recursive: true });
// A copy with its holes: the image is as large as the guest's memory sections want it, and mostly full.
for (const name of readdirSync(entry)) execFileSync('cp', ['--sparse=always', join(entry, name), join(output, name)]);
