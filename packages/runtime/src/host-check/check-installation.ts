/** Checks what a container needs besides a CPU: configuration, programs, devices, space. */
import { existsSync } from 'node:fs';
import { ConfigurationError } from '@kata-containers/common/errors/kata-error';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Configuration } from '../configuration/schema.ts';
import { runtimeDirectories } from '../context/paths.ts';
import { roomAt, shortageOf, usageCommand } from '../mounts/free-room.ts';
import type { Room } from '../mounts/free-room.ts';
import { agentVersionOf } from './agent-version.ts';
import { versionOrProblem } from './component-version.ts';
import type { VersionOrProblem } from './component-version.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** The result, or the cause of the problem. */
  readonly detail: string;
  /** The fix: a command or a hint. */
  readonly remedy?: string;
}

/** The host's side of the checks. */
export interface Installation {
  versionOf(program: string, option: string): VersionOrProblem;
  exists(path: string): boolean;
  /** The file system of `path`. */
  room(path: string): Room;
}

export const thisInstallation: Installation = {
  versionOf: (program, option) => versionOrProblem(program, undefined, option),
  exists: existsSync,
  room: roomAt,
};

const REINSTALL = 'install the packages again';
const MIB = 1 << 20;
const TUN = '/dev/net/tun';

interface CheckedProgram {
  readonly name: string;
  readonly program: string;
  readonly remedy: string;
  /** Option that prints the version. */
  readonly option?: string;
}

/** The message of ld.so(8): the package of the program does not help. */
function libraryRemedy(problem: string): string | undefined {
  const library = /error while loading shared libraries: ([^:\s]+):/.exec(problem)?.[1];
  if (library?.startsWith('libatomic.so')) return 'apt-get install libatomic1, or dnf install libatomic';
  return library && `install the package that contains ${library}`;
}

function checkProgram({ versionOf }: Installation, { name, program, remedy, option = '--version' }: CheckedProgram): Check {
  const found = versionOf(program, option);
  if ('version' in found) return { name, status: 'ok', detail: found.version };
  const detail = [`${program} cannot be run`, found.problem].filter(Boolean).join(': ');
  return { name, status: 'failed', detail, remedy: libraryRemedy(found.problem) ?? remedy };
}

function checkTun({ exists }: Installation): Check {
  if (exists(TUN)) return { name: 'tun', status: 'ok', detail: TUN };
  return { name: 'tun', status: 'failed', detail: `${TUN} is missing, so no VM can have a network`, remedy: 'modprobe tun' };
}

function checkRoom(name: string, room: Room): Check {
  const { mountPoint, freeBytes } = room;
  const shortage = shortageOf(room);
  if (!shortage) {
    const free = freeBytes === Infinity ? 'the space is not limited' : `${Math.floor(freeBytes / MIB)} MiB are free`;
    return { name, status: 'ok', detail: `${free} in ${mountPoint}` };
  }
  const detail = `${shortage.free} are free in ${mountPoint}, ${shortage.needed} are needed`;
  return { name, status: 'failed', detail, remedy: usageCommand(mountPoint) };
}

/** One check for each file system that has files of sandboxes; that of /run comes first. */
function checkSpace({ room }: Installation): Check[] {
  const rooms = new Map(runtimeDirectories.map(room).map((found) => [found.mountPoint, found]));
  return [...rooms.values()].map((found, index) => checkRoom(index === 0 ? '/run' : found.mountPoint, found));
}

/** Checks that need no configuration. */
export function checkHostParts(installation: Installation): Check[] {
  const iproute = { remedy: 'apt-get install iproute2, or dnf install iproute-tc', option: '-V' };
  return [
    checkProgram(installation, { name: 'ip', program: 'ip', ...iproute }),
    checkProgram(installation, { name: 'tc', program: 'tc', ...iproute }),
    checkTun(installation),
    ...checkSpace(installation),
  ];
}

/** Kernel and image exist: the configuration is not loaded otherwise. */
export function checkComponents({ hypervisor, proxy, shim }: Configuration, installation: Installation): Check[] {
  const root = hypervisor.image || hypervisor.initrd;
  const agent = agentVersionOf(root);
  const remedy = 'install qemu-lite or qemu-system-x86, or set path in [hypervisor.qemu]';
  return [
    checkProgram(installation, { name: 'QEMU', program: hypervisor.path, remedy }),
    { name: 'kernel', status: 'ok', detail: hypervisor.kernel },
    { name: 'image', status: 'ok', detail: agent === undefined ? root : `${root}, kata-agent ${agent}` },
    checkProgram(installation, { name: 'kata-proxy', program: proxy.path, remedy: REINSTALL }),
    checkProgram(installation, { name: 'kata-shim', program: shim.path, remedy: REINSTALL }),
  ];
}

/** One check for each problem that the error has. */
export function configurationChecks(error: unknown): Check[] {
  const remedy = "correct the file; 'kata-runtime kata-env --effective' shows the result";
  const problems = error instanceof ConfigurationError ? error.texts : [errorMessage(error)];
  return problems.map((detail) => ({ name: 'configuration', status: 'failed', detail, remedy }));
}
