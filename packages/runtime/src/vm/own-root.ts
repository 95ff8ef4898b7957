/**
 * A root directory for one process: a tmpfs with bind mounts, in a new mount namespace of the main thread in which the process is
 * started. Everything is synchronous: no other code may run while the main thread is in other namespaces.
 */
import {
  chownSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MNT_DETACH,
  MS_BIND,
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SLAVE,
} from '@kata-containers/common/kernel/constants';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { applyPart } from '../configuration/confinement-parts.ts';

type ReturnCalls = Pick<Kernel, 'setns' | 'chroot' | 'fchdir'>;
export type RootKernel = ReturnCalls & Pick<Kernel, 'mount' | 'umount' | 'pivotRoot' | 'makeCharacterDevice' | 'unshare'>;

/** What the root contains, at the host's path. */
export type RootEntry =
  | { readonly kind: 'file' | 'directory'; readonly path: string; readonly access: 'read' | 'write' }
  /** With the mounts below it, current and future ones. */
  | { readonly kind: 'share'; readonly path: string }
  /** An empty tmpfs of the process' own, as large as the host's memory allows. */
  | { readonly kind: 'memory'; readonly path: string }
  /** A node of the same character device as the host's; other files are bind-mounted. */
  | { readonly kind: 'device'; readonly path: string };

export interface OwnRoot {
  readonly entries: readonly RootEntry[];
  /** Owner of the device nodes. */
  readonly user: number;
}

const NONE = 'none';
/** Path of the root in the new namespace; a root never contains paths below it. */
const BASE = '/sys';
/** The host's /proc, read-only, while the process starts. */
const HOST_PROC = '/.proc';

const reads = MS_RDONLY | MS_NOSUID | MS_NODEV;
const writes = MS_NOSUID | MS_NODEV | MS_NOEXEC;

function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, '', { mode: 0o600 });
}

function addBind(path: string, flags: number, kernel: RootKernel): void {
  const target = join(BASE, path);
  if (statSync(path).isDirectory()) mkdirSync(target, { recursive: true, mode: 0o755 });
  else makeFile(target);
  kernel.mount(path, target, NONE, MS_BIND);
  kernel.mount(NONE, target, NONE, MS_BIND | MS_REMOUNT | flags);
}

/** A copy of a slave mount is a slave, too: later mounts in the share propagate to it. */
function addShare(path: string, kernel: RootKernel): void {
  const target = join(BASE, path);
  mkdirSync(target, { recursive: true, mode: 0o755 });
  kernel.mount(path, target, NONE, MS_BIND | MS_REC);
}

function addMemory(path: string, kernel: RootKernel): void {
  const target = join(BASE, path);
  mkdirSync(target, { recursive: true, mode: 0o755 });
  kernel.mount('tmpfs', target, 'tmpfs', writes, 'mode=1777,size=0'); // 0: no limit but the cgroup's
}

function addDevice(path: string, user: number, kernel: RootKernel): void {
  const { major, minor } = unpackDevice(statSync(path).rdev);
  const target = join(BASE, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  kernel.makeCharacterDevice(target, major, minor);
  chownSync(target, user, user);
}

function addEntry(entry: RootEntry, user: number, kernel: RootKernel): void {
  const { path } = entry;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (entry.kind === 'memory') addMemory(path, kernel);
  else if (entry.kind === 'share') addShare(path, kernel);
  else if (entry.kind === 'device' && found.isCharacterDevice()) addDevice(path, user, kernel);
  else if (entry.kind === 'device') addBind(path, reads, kernel);
  else if (entry.kind === 'directory' && found.isSymbolicLink()) symlinkSync(readlinkSync(path), join(BASE, path));
  else addBind(path, entry.access === 'read' ? reads : writes, kernel);
}

/** Makes the new root the main thread's, and unmounts the host's root in this namespace, lazily, because it has all mounts of the host. */
function makeRoot({ entries, user }: OwnRoot, kernel: RootKernel): void {
  kernel.mount(NONE, '/', NONE, MS_REC | MS_SLAVE);
  // Without times of access: a process that sets a time of access while the root becomes read-only would make the remount fail (EBUSY).
  kernel.mount('tmpfs', BASE, 'tmpfs', MS_NOSUID | MS_NOATIME, 'mode=0755,size=1m');
  for (const entry of entries) addEntry(entry, user, kernel);
  mkdirSync(join(BASE, HOST_PROC));
  kernel.mount('/proc', join(BASE, HOST_PROC), NONE, MS_BIND);
  kernel.mount(NONE, join(BASE, HOST_PROC), NONE, MS_BIND | MS_REMOUNT | reads | MS_NOEXEC);
  mkdirSync(join(BASE, 'proc'));
  symlinkSync(`${HOST_PROC}/self`, join(BASE, '/proc/self'));
  process.chdir(BASE);
  kernel.pivotRoot('.', '.'); // pivot_root(2): the old root is then on top of the new root
  kernel.umount('.', MNT_DETACH);
  process.chdir('/');
}

/**
 * /proc contains only the process itself: a mount of the whole /proc would show the PID namespace of the mounting process, which is the
 * host's. QEMU's 9p server needs /proc/self/fd.
 */
function finishRoot(pid: number | undefined, kernel: RootKernel): void {
  if (pid !== undefined) {
    mkdirSync(`/proc/${pid}`);
    kernel.mount(`${HOST_PROC}/${pid}`, `/proc/${pid}`, NONE, MS_BIND);
    kernel.mount(NONE, `/proc/${pid}`, NONE, MS_BIND | MS_REMOUNT | reads | MS_NOEXEC);
    // The process may use /proc/self meanwhile.
    symlinkSync(String(pid), '/proc/.self');
    renameSync('/proc/.self', '/proc/self');
  }
  kernel.umount(HOST_PROC, MNT_DETACH);
  rmdirSync(HOST_PROC);
  kernel.mount(NONE, '/', NONE, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID);
}

const namespaces = [
  ['mnt', CLONE_NEWNS],
  ['pid', CLONE_NEWPID],
  ['ipc', CLONE_NEWIPC],
  ['uts', CLONE_NEWUTS],
  ['net', CLONE_NEWNET],
] as const;

/**
 * Runs `leave`, which moves the main thread to other namespaces or changes nothing, then `act` there, and moves the main thread back to its
 * namespaces, root and working directory. setns(2) sets the root to the root of the mount namespace: in a chroot, the paths of the runtime
 * would name other files from then on.
 */
function elsewhere<T>(kernel: ReturnCalls, leave: () => void, act: () => T): T {
  const directory = process.cwd();
  const root = openSync('/', 'r');
  const home = namespaces.map(([name, type]) => ({ fd: openSync(`/proc/self/ns/${name}`, 'r'), type }));
  try {
    leave();
    try {
      return act();
    } finally {
      for (const { fd, type } of home) kernel.setns(fd, type);
      kernel.fchdir(root);
      kernel.chroot('.');
      process.chdir(directory);
    }
  } finally {
    for (const fd of [root, ...home.map(({ fd }) => fd)]) closeSync(fd);
  }
}

/**
 * Makes a directory read-only for a process that has its own root and has made its files there. Nothing is done if the process has ended.
 * @throws KataError
 */
export function closeDirectory(path: string, owner: ProcessIdentity, kernel: ReturnCalls & Pick<Kernel, 'mount'>): void {
  const own = openSync(`/proc/${owner.pid}/ns/mnt`, 'r');
  try {
    if (!isAlive(owner)) return;
    const close = (): void => kernel.mount(NONE, path, NONE, MS_BIND | MS_REMOUNT | reads | MS_NOEXEC);
    applyPart('ownRoot', () => elsewhere(kernel, () => kernel.setns(own, CLONE_NEWNS), close));
  } finally {
    closeSync(own);
  }
}

/** A child process: without a pid it could not be started. */
export interface Startable {
  readonly pid?: number | undefined;
  kill(signal: 'SIGKILL'): unknown;
}

/** Runs `act`, which completes the start of the process. When it fails, the process is killed: no journal contains the process yet. */
export function orKill(started: Startable, act: () => void): void {
  try {
    act();
  } catch (error) {
    started.kill('SIGKILL');
    throw error;
  }
}

/** Mount and inode of the root directory; undefined without /proc. */
function rootMount(): string | undefined {
  const fd = openSync('/', 'r');
  try {
    const [line] = /^mnt_id:.*$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? []; // proc_pid_fdinfo(5)
    return line && `${line} ${fstatSync(fd).ino}`;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** In a chroot, pivot_root(2) would leave the root of the namespace in place, if it succeeds at all. @throws KataError */
function refuseChroot(kernel: RootKernel): void {
  const before = rootMount();
  const own = openSync('/proc/self/ns/mnt', 'r');
  try {
    kernel.setns(own, CLONE_NEWNS); // sets the root to the root of the namespace
  } finally {
    closeSync(own);
  }
  if (before === undefined || rootMount() !== before)
    throw new KataError('kata-runtime is in a chroot: its root directory is not the root of its mount namespace');
}

/** The next child of the main thread is the first process of a PID namespace. */
function enterRoot(root: OwnRoot, kernel: RootKernel): void {
  refuseChroot(kernel);
  makeRoot(root, kernel);
  kernel.unshare(CLONE_NEWPID);
}

/**
 * Runs `start`, which starts one process, with the main thread in new mount, IPC, UTS and network namespaces, whose root has its entries only
 * and whose network is empty; the process is the first of a PID namespace. Between its start and the end of `finishRoot` it sees the host's
 * /proc: QEMU runs nothing of a guest's then. @throws KataError, Error of `start`; the main thread is back in any case
 */
export function inOwnRoot<T extends Startable>(root: OwnRoot, kernel: RootKernel, start: () => T): T {
  const umask = process.umask(0o022); // the directories of the root are for its user too
  try {
    const leave = (): void => applyPart('ownRoot', () => kernel.unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET));
    return elsewhere(kernel, leave, () => {
      applyPart('ownRoot', () => enterRoot(root, kernel));
      const started = start();
      orKill(started, () => applyPart('ownRoot', () => finishRoot(started.pid, kernel)));
      return started;
    });
  } finally {
    process.umask(umask);
  }
}
