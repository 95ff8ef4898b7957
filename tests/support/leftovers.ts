/** Finds resources on the host that a sandbox leaves behind without clean-up. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { TITLE_VARIABLE } from '@kata-containers/common/command-lines/shim-command-line';
import { TEMPLATES } from './templates.ts'; // templates outlive their clones

const names = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);

/** A shim has the command line of the process that it represents. */
const isShim = (pid: string): boolean => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${TITLE_VARIABLE}=`);

/**
 * A program of Kata, or QEMU or virtiofsd of a sandbox. A process that only has such a name in its arguments, for example a build, does not
 * count.
 */
function isOurs(args: readonly string[]): boolean {
  const [program = '', ...rest] = args;
  const script = rest.find((word) => !word.startsWith('-')) ?? '';
  if ([program, script].some((path) => ['kata-proxy', 'kata-shim'].includes(basename(path)))) return true;
  return /qemu-(lite-)?system-.*sandbox-|virtiofsd .*\/sandboxes\/| 'kata-(network|oom)' /.test(args.join(' '));
}

function processes(): string[] {
  return names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (isShim(pid)) return [`process ${pid}: kata-shim`]; // without the command line, which changes after its start
        return isOurs(args) ? [`process ${pid}: ${args.join(' ').slice(0, 120)}`] : [];
      } catch {
        return [];
      }
    });
}

/** Mounts of every mount namespace that a process is in. */
function mounts(): string[] {
  const seen = new Set<string>();
  for (const pid of names('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const line of readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n')) {
        const point = line.split(' ')[4] ?? '';
        if (/^\/run\/(kata-containers|vc)\b|\/cnitest-/.test(point) && point !== TEMPLATES) seen.add(`mount ${point}`);
      }
    } catch {
      // a process that has ended
    }
  }
  return [...seen];
}

function files(): string[] {
  const directories = ['/run/vc/sbs', '/run/vc/vm', '/run/kata-containers/shared/sandboxes', '/run/kata-containers/containers-mapping'];
  return directories.flatMap((directory) => names(directory).map((name) => `${directory}/${name}`)).filter((path) => path !== TEMPLATES);
}

const namespaces = (): string[] => names('/run/netns').flatMap((name) => (name.startsWith('cnitest-') ? [`/run/netns/${name}`] : []));

function cgroups(directory = '/sys/fs/cgroup', depth = 4): string[] {
  if (depth === 0) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = `${directory}/${entry.name}`;
    return [...(entry.name.startsWith('kata_') ? [path] : []), ...cgroups(path, depth - 1)];
  });
}

/** Nodes of macvtaps: /dev is the machine's, so that test files which run side by side see each other's. */
const macvtapNodes = (): string[] => names('/dev').flatMap((name) => (/^(tap\d+|kata-.*)$/.test(name) ? [`/dev/${name}`] : []));

const all = (): string[] => [...processes(), ...mounts(), ...files(), ...namespaces(), ...cgroups()];
/** Leftovers from before the tests: of other programs, or of a killed test run. */
const found = new Set(all());
const foundNodes = new Set(macvtapNodes());

/** One line for each thing that did not exist when the tests began. */
export const leftovers = (): string[] => all().filter((line) => !found.has(line));

/** Nodes of macvtaps that did not exist when the tests began: for the one file of a tier that makes macvtaps. */
export const leftMacvtapNodes = (): string[] => macvtapNodes().filter((path) => !foundNodes.has(path));
