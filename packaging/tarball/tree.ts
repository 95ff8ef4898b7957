/** The tree of all packages' files below /opt/kata: the tarball and the image of kata-deploy contain it. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { bundledLibraries } from '../rpm/bundled-libraries.ts';
import { collectLicences } from '../rpm/licences.ts';

const repository = resolve(import.meta.dirname, '../..');
export const PREFIX = '/opt/kata';

/** Text files of the tree that contain absolute paths of other files. */
const filesWithPaths = ['usr/share/defaults/kata-containers/configuration.toml'];
/** Configurations of engines, which name the runtime. */
const EXAMPLES = 'usr/share/doc/kata-runtime/examples';
const sources = { examples: join(repository, 'packaging/rpm/examples'), collector: join(repository, 'packaging/rpm/kata-collect-data.sh') };

/** @returns the paths of the copies in the tree */
function copyExamples(tree: string): string[] {
  mkdirSync(join(tree, EXAMPLES), { recursive: true });
  const names = readdirSync(sources.examples).sort();
  return names.map((name) => {
    const text = readFileSync(join(sources.examples, name), 'utf8');
    writeFileSync(join(tree, EXAMPLES, name), text.replaceAll('/usr/bin/kata-runtime', `${PREFIX}/usr/bin/kata-runtime`));
    return join(EXAMPLES, name);
  });
}

function copyProgram(source: string, path: string): void {
  copyFileSync(source, path);
  chmodSync(path, 0o755);
}

/** Copies the staged tree and adds links, scripts, examples, licences and the files of `relocate`. */
export async function arrange(stage: string, tree: string): Promise<void> {
  cpSync(stage, tree, { recursive: true, verbatimSymlinks: true });
  symlinkSync('usr/bin', join(tree, 'bin'));
  copyProgram(join(import.meta.dirname, 'relocate'), join(tree, 'relocate'));
  copyProgram(sources.collector, join(tree, 'usr/bin/kata-collect-data.sh'));
  writeFileSync(join(tree, '.prefix'), PREFIX);
  writeFileSync(join(tree, '.relocated'), `${[...filesWithPaths, ...copyExamples(tree)].join('\n')}\n`);
  const licences = join(tree, 'usr/share/licenses');
  rmSync(licences, { recursive: true, force: true }); // files of QEMU, which are collected with the other licences
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

/** Makes the staged tree `stage`, unless the caller names one. @throws Error when the named tree is incomplete */
export function stageTree(stage: string, isGiven: boolean): void {
  if (!isGiven) {
    rmSync(stage, { recursive: true, force: true });
    execFileSync(process.execPath, [join(repository, 'tools/stage.ts'), '--prefix', PREFIX, stage], {
      cwd: repository,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
  if (!existsSync(join(stage, 'usr/bin/kata-runtime')))
    throw new Error(`${stage} does not contain a staged tree: build once without --stage`);
}

/** Options of GNU tar: order, owners, times and modes do not depend on the build machine. `seconds` since 1970. */
export const reproducibleTar = (seconds: string): string[] => [
  '--sort=name',
  `--mtime=@${seconds}`,
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mode=u+rw,go=rX,go-w',
  '--format=gnu',
];
