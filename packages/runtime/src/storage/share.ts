/** Creates and fills the directory that QEMU exports to the guest. Each step records its undo first. */
import { closeSync, existsSync, mkdirSync, openSync, realpathSync, rmdirSync, statSync, statfsSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { MS_BIND, MS_MOVE, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, MS_SHARED, MS_SLAVE } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import { sharesDirectory } from '../context/paths.ts';
import type { SandboxPaths } from '../context/paths.ts';
import { hasWritableMountBelow, readMountTable } from '../mounts/mount-table.ts';
import { leaveSubmounts } from './leave-submounts.ts';
import type { ShareFacts, SharedPath } from './share-plan.ts';

type RecordUndo = (entry: { undo: 'rmdir' | 'unlink' | 'unmount'; path: string }) => void;
type Mounter = Pick<Kernel, 'mount' | 'umountExactly' | 'restrictMounts'>;

const NONE = 'none';
/** statfs(2) */
const TMPFS_MAGIC = 0x01021994;

const withSlash = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

export const shareFacts: ShareFacts = {
  kindOf(path) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return undefined;
    if (found.isDirectory()) return 'directory';
    // Sockets and pipes of the host are shared, as in 1.x, although they have no peer in the guest; device nodes are the guest's own.
    return found.isFile() || found.isSocket() || found.isFIFO() ? 'file' : 'other';
  },
  capacityOf(path) {
    if (!existsSync(path)) return undefined;
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  },
  isInTmpfs: (path) => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC,
  hasWritableMountBelow: (path) => hasWritableMountBelow(realpathSync(path), readMountTable()),
  containsShares: (path) => sharesDirectory.startsWith(withSlash(realpathSync(path))),
  randomName: () => randomUuid().replaceAll('-', '').slice(0, 16),
};

function makeDirectory(path: string, record: RecordUndo): void {
  record({ undo: 'rmdir', path });
  mkdirSync(path, { mode: 0o750 });
}

/**
 * Containers' files are mounted below `mounts`. QEMU exports `shared`, a read-only slave copy of it, so that the guest cannot write to
 * the top of the share. `mounts` must be a shared mount: later mounts below it must propagate to the copy,
 * whatever the propagation of the host's root is.
 */
export function makeShare(paths: SandboxPaths, record: RecordUndo, kernel: Mounter): void {
  mkdirSync(dirname(paths.share), { recursive: true, mode: 0o750 });
  for (const path of [paths.share, paths.mounts, paths.shared]) makeDirectory(path, record);
  makeAside(asideOf(paths), record, kernel);
  record({ undo: 'unmount', path: paths.mounts });
  kernel.mount(paths.mounts, paths.mounts, NONE, MS_BIND);
  // Private first: otherwise the bind mount would be a peer of its source, and mounts would propagate there, too.
  kernel.mount(NONE, paths.mounts, NONE, MS_PRIVATE);
  kernel.mount(NONE, paths.mounts, NONE, MS_SHARED);
  record({ undo: 'unmount', path: paths.shared });
  kernel.mount(paths.mounts, paths.shared, NONE, MS_BIND);
  kernel.mount(NONE, paths.shared, NONE, MS_SLAVE);
  kernel.mount(NONE, paths.shared, NONE, MS_BIND | MS_REMOUNT | MS_RDONLY);
}

type SharePaths = Pick<SandboxPaths, 'share' | 'mounts' | 'shared'>;

export interface SharedContainer {
  readonly id: string;
  /** Missing when the root is on a disk. */
  readonly rootfs?: string;
  readonly volumes: readonly SharedPath[];
  /** The process that serves the share has a mount namespace of its own. */
  readonly servedElsewhere: boolean;
}

/** Creates <share>/ID, on which the guest mounts a root file system that is on a disk: the guest cannot create it, because the top is read-only. */
function makeRootPoint({ mounts }: SharePaths, containerId: string, record: RecordUndo): void {
  makeDirectory(join(mounts, containerId), record);
}

/** Directory in which mounts are prepared: a private mount, so that nothing propagates to other namespaces, and not visible to the guest. */
const asideOf = ({ share }: Pick<SandboxPaths, 'share'>): string => join(share, 'aside');

function makeAside(path: string, record: RecordUndo, kernel: Mounter): void {
  makeDirectory(path, record);
  record({ undo: 'unmount', path });
  kernel.mount(path, path, NONE, MS_BIND);
  kernel.mount(NONE, path, NONE, MS_PRIVATE);
}

type Places = Readonly<{ [kind in SharedPath['kind']]: string }>;

interface MountPoints {
  /** Directory with the content of the share. */
  readonly mounts: string;
  readonly places: Places;
}

/** Creates a container's mount points for preparing mounts. A sandbox of an earlier version lacks their directory. */
function makePlaces(paths: SharePaths, containerId: string, record: RecordUndo, kernel: Mounter): Places {
  const aside = asideOf(paths);
  if (!existsSync(aside)) makeAside(aside, record, kernel);
  const places = { directory: join(aside, containerId), file: join(aside, `${containerId}.file`) };
  for (const kind of ['directory', 'file'] as const) {
    makePlace(places[kind], kind, record);
    record({ undo: 'unmount', path: places[kind] });
  }
  return places;
}

function removePlaces({ directory, file }: Places): void {
  rmdirSync(directory);
  unlinkSync(file);
}

/** Creates an empty directory or file as mount point. */
function makePlace(target: string, kind: SharedPath['kind'], record: RecordUndo): void {
  if (kind === 'directory') return makeDirectory(target, record);
  record({ undo: 'unlink', path: target });
  closeSync(openSync(target, 'wx', 0o640));
}

/**
 * Mounts one directory or file into the share, at `path.name`. A bind mount is a peer of the host's mount, and its copies are slaves: later
 * mounts of the host would propagate there and keep the volume from being unmounted. So the mount is made private before it is moved into
 * the share, or a slave if the container requests later mounts. Its flags are set before, too: changes of a mount do not apply to its copies, and virtiofsd has a copy of the share in its own
 * mount namespace. The mount is moved, because unmounting takes milliseconds.
 */
function sharePath({ mounts, places }: MountPoints, path: SharedPath, record: RecordUndo, kernel: Mounter): void {
  const { source, kind, recursive, readonly, laterMounts } = path;
  if (statSync(source, { throwIfNoEntry: false }) === undefined)
    throw new KataError(`${source}, to be mounted into the container, is missing`);
  const [target, place] = [join(mounts, path.name), places[kind]];
  makePlace(target, kind, record);
  kernel.mount(source, place, NONE, recursive ? MS_BIND | MS_REC : MS_BIND);
  kernel.mount(NONE, place, NONE, (laterMounts ? MS_SLAVE : MS_PRIVATE) | MS_REC);
  if (readonly === 'top') kernel.mount(NONE, place, NONE, MS_BIND | MS_REMOUNT | MS_RDONLY);
  // A guest may create device nodes: they must not be usable on the host.
  if (!kernel.restrictMounts(place, readonly === 'all') && readonly === 'all')
    throw new KataError(`${source}: recursive read-only mounts (rro) need Linux 5.12`);
  record({ undo: 'unmount', path: target });
  kernel.mount(place, target, NONE, MS_MOVE);
}

const ROOT = { kind: 'directory', recursive: true, readonly: 'none', laterMounts: false } as const;

/** Mounts a container's volumes and root file system into the share; the root at <share>/ID/rootfs, unless it is on a disk. */
export function sharePaths(paths: SharePaths, container: SharedContainer, record: RecordUndo, kernel: Mounter): void {
  const { id, rootfs, volumes, servedElsewhere } = container;
  makeRootPoint(paths, id, record);
  const root: SharedPath[] = rootfs === undefined ? [] : [{ ...ROOT, source: rootfs, name: `${id}/rootfs` }];
  const places = makePlaces(paths, id, record, kernel);
  for (const path of volumes) makeDirectory(join(paths.mounts, dirname(path.name)), record);
  const shared = [...root, ...volumes];
  for (const path of shared) sharePath({ mounts: paths.mounts, places }, path, record, kernel);
  if (servedElsewhere) leaveSubmounts(paths, shared, kernel);
  removePlaces(places);
}
