/** Fills a directory with the root file system and returns its manifest. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { directories, files, links, guestPrograms } from './rootfs-plan.ts';

export interface RootfsInputs {
  /** Directory of the built agent (packaging/engine), with the paths of /usr. */
  readonly agent: string;
  /** The static program that packaging/crun builds. */
  readonly crun: string;
  readonly agentVersion: string;
  /** Modification time of every file, in seconds since 1970. */
  readonly date: number;
}

export interface ManifestEntry {
  readonly path: string;
  readonly package: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Paths of the files below the directory of the built agent, relative to it. */
export const agentFiles = (directory: string): string[] => walk(directory).filter((path) => statSync(join(directory, path)).isFile());

/** Paths of the shared libraries that a program loads (ldd(1)). */
function libraries(program: string): string[] {
  const output = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
}

function isDynamic(program: string): boolean {
  try {
    return libraries(program).length > 0;
  } catch {
    return false; // ldd exits with 1 for a static program
  }
}

/** Shared libraries that any of the programs loads. */
export const librariesOf = (paths: readonly string[]): ReadonlySet<string> => new Set(paths.filter(isDynamic).flatMap(libraries));

/** `package version` of a file of the build machine. */
function owner(path: string): string {
  for (const candidate of [path, realpathSync(path), path.replace(/^\/usr/, '')]) {
    try {
      const name =
        execFileSync('dpkg', ['-S', candidate], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(/[:,]/)[0] ?? '';
      return `${name} ${execFileSync('dpkg-query', ['-W', '-f=${Version}', name], { encoding: 'utf8' })}`;
    } catch {
      // dpkg does not know this path
    }
  }
  return 'unknown';
}

/** `crun 1.21` */
const crunVersion = (program: string): string =>
  execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n', 1)[0]?.replace(' version', '') ?? 'crun';

/** Packages of the programs that the build machine lacks. */
export function missingPackages(): string[] {
  return guestPrograms.flatMap((program) => (existsSync(program.source) ? [] : [program.package]));
}

function copy(root: string, source: string, target: string, mode: number): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  cpSync(realpathSync(source), join(root, target));
  chmodSync(join(root, target), mode);
}

function walk(root: string, below = '/'): string[] {
  const names = readdirSync(join(root, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return names.flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? [path, ...walk(root, path)] : [path];
  });
}

/** Fills the empty directory `root`. @returns the manifest, by path */
export function stageRootfs(root: string, inputs: RootfsInputs): ManifestEntry[] {
  for (const directory of directories) mkdirSync(join(root, directory), { recursive: true, mode: 0o755 });
  const owners = new Map<string, string>();
  for (const { source, target } of guestPrograms) {
    copy(root, source, target, 0o755);
    owners.set(target, owner(source));
  }
  copy(root, inputs.crun, '/usr/bin/crun', 0o755);
  owners.set('/usr/bin/crun', crunVersion(inputs.crun));
  const agent = agentFiles(inputs.agent);
  for (const path of agent) {
    copy(root, join(inputs.agent, path), join('/usr', path), 0o755);
    owners.set(join('/usr', path), `kata-agent ${inputs.agentVersion}`);
  }
  for (const library of librariesOf([...guestPrograms.map(({ source }) => source), ...agent.map((path) => join(inputs.agent, path))])) {
    copy(root, library, library, 0o755);
    owners.set(library, owner(library));
  }
  for (const [path, text] of files) writeFileSync(join(root, path), text, { mode: 0o644 });
  writeFileSync(join(root, '/var/lib/osbuilder/osbuilder.yaml'), summary(inputs));
  for (const [path, target] of links) symlinkSync(target, join(root, path));
  const paths = walk(root);
  for (const path of [...paths.toReversed(), '/']) lutimesSync(join(root, path), inputs.date, inputs.date);
  return paths.flatMap((path) => manifestEntry(root, path, owners));
}

function manifestEntry(root: string, path: string, owners: ReadonlyMap<string, string>): ManifestEntry[] {
  const file = join(root, path);
  const found = statSync(file, { throwIfNoEntry: false });
  const origin = owners.get(path);
  if (!found?.isFile() || origin === undefined) return [];
  return [{ path, package: origin, bytes: found.size, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }];
}

const summary = ({ agentVersion }: RootfsInputs): string =>
  `---\nosbuilder:\n  url: "packaging/image"\nrootfs-creation-time: "reproducible"\nagent:\n  name: "kata-agent"\n  version: "${agentVersion}"\n  agent-is-init-daemon: "yes"\n`;
