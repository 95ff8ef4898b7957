/**
 * The content of QEMU's root directory: each path is the host's path, so that QEMU's arguments are the same inside and
 * outside. Pure.
 */
import { dirname, join } from 'node:path';
import { SHARED_MEMORY } from '../hypervisor/qemu/memory-backend-plan.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { RootEntry } from './own-root.ts';

/** Directories for dynamic programs and scripts. On most hosts the last four are links to /usr. */
const SYSTEM_DIRECTORIES = ['/usr', '/bin', '/sbin', '/lib', '/lib64'];
const LINKER_CACHE = '/etc/ld.so.cache';

export interface RootFacts {
  /** False for a program with an interpreter: ld.so, or a script's shell. */
  readonly isStatic: boolean;
  /** Programs that a script starts. */
  readonly programs: readonly string[];
}

type Entries = (plan: QemuPlan, facts: RootFacts) => RootEntry[];

const file = (path: string, access: 'read' | 'write' = 'read'): RootEntry => ({ kind: 'file', path, access });
const directory = (path: string, access: 'read' | 'write' = 'read'): RootEntry => ({ kind: 'directory', path, access });

/** Where qemu-lite has its ROMs. Those of other QEMUs are below /usr. */
const romDirectory = (binary: string): string => join(dirname(binary), '../share/qemu-lite');

const program: Entries = ({ binary }, { isStatic, programs }) =>
  isStatic
    ? [file(binary), directory(romDirectory(binary))]
    : [...SYSTEM_DIRECTORIES.map((path) => directory(path)), file(LINKER_CACHE), ...[binary, ...programs].map((path) => file(path))];

const guest: Entries = ({ kernel, image, initrd, firmware, pflashes }) => [
  ...[kernel, image?.path ?? '', initrd ?? '', firmware].filter((path) => path !== '').map((path) => file(path)),
  ...pflashes.map((path) => file(path, 'write')),
];

/** QEMU creates its sockets and its log there. */
const vmDirectory: Entries = ({ paths }) => [directory(dirname(paths.qmpSocket), 'write')];

/**
 * A clone maps the template's memory privately; an unpatched QEMU opens such a file for writing. The maker's files are in its own
 * directory.
 */
const template: Entries = ({ memoryFile, codeFile }) => [
  ...(memoryFile ? [file(memoryFile.path, memoryFile.readOnly === true ? 'read' : 'write')] : []),
  ...(codeFile === undefined ? [] : [file(codeFile)]),
];

/** With virtio-fs, virtiofsd has the files, and QEMU only its socket. */
const share: Entries = ({ sharedDirectory, virtioFs }) => (virtioFs ? [] : [{ kind: 'share', path: sharedDirectory }]);

/** Where QEMU makes files for guest memory, which it removes at once. The host's /dev/shm has other processes' memory. */
const memory: Entries = ({ memoryBackend }) => {
  const path = memoryBackend?.directory;
  if (path === undefined) return [];
  return path === SHARED_MEMORY ? [{ kind: 'memory', path }] : [directory(path, 'write')];
};

/** Taps and vhost-net are inherited. */
const devices: Entries = ({ accelerator, entropySource }) =>
  ['/dev/null', '/dev/zero', entropySource, ...(accelerator === 'kvm' ? ['/dev/kvm'] : [])].map((path) => ({ kind: 'device', path }));

const isBelow = (path: string, top: string): boolean => path.startsWith(`${top}/`);

/** Parents before their children; a path inside a directory with the same access needs no separate mount. */
function withoutContained(entries: readonly RootEntry[]): RootEntry[] {
  const tops = entries.flatMap((entry) => (entry.kind === 'directory' ? [entry] : []));
  return entries.filter(
    (entry) =>
      (entry.kind !== 'file' && entry.kind !== 'directory') ||
      !tops.some((top) => isBelow(entry.path, top.path) && (top.access === 'write' || entry.access === 'read')),
  );
}

export function qemuRootPlan(plan: QemuPlan, facts: RootFacts): RootEntry[] {
  const entries = [program, memory, vmDirectory, guest, template, share, devices].flatMap((part) => part(plan, facts));
  return withoutContained(entries);
}
