/** Makes and fills the directory that QEMU exports to the guest. Each step writes its undo down first. */
import { closeSync, existsSync, mkdirSync, openSync, rmdirSync, statSync, statfsSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, MS_SHARED, MS_SLAVE } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomUuid } from '../random-uuid.ts';
import type { SandboxPaths } from '../sandbox/paths.ts';
import type { HostFacts, SharedPath } from './share-plan.ts';
import { unmountTree } from './unmount-tree.ts';

type Record = (entry: { undo: 'rmdir' | 'unlink' | 'unmount'; path: string }) => void;
type Mounter = Pick<Kernel, 'mount' | 'umount'>;

const NONE = 'none';

export const hostFacts: HostFacts = {
  kindOf(path) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return undefined;
    return found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other';
  },
  capacityOf(path) {
    if (!existsSync(path)) return undefined;
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  },
  randomName: () => randomUuid().replaceAll('-', '').slice(0, 16),
};

function makeDirectory(path: string, record: Record): void {
  record({ undo: 'rmdir', path });
  mkdirSync(path, { mode: 0o750 });
}

/**
 * `mounts` is where we mount; `shared`, a read-only slave copy of it, is what QEMU exports, so that the guest cannot write to
 * the top of the share. `mounts` must be a shared mount itself: what is mounted below later has to show up in the copy,
 * whatever the propagation of the host's root is.
 */
export function makeShare(paths: SandboxPaths, record: Record, kernel: Mounter): void {
  mkdirSync(dirname(paths.share), { recursive: true, mode: 0o750 });
  for (const path of [paths.share, paths.mounts, paths.shared]) makeDirectory(path, record);
  record({ undo: 'unmount', path: paths.mounts });
  kernel.mount(paths.mounts, paths.mounts, NONE, MS_BIND);
  // Private first: the copy would else belong to the peers of what it was copied from, and mount everything there too.
  kernel.mount(NONE, paths.mounts, NONE, MS_PRIVATE);
  kernel.mount(NONE, paths.mounts, NONE, MS_SHARED);
  record({ undo: 'unmount', path: paths.shared });
  kernel.mount(paths.mounts, paths.shared, NONE, MS_BIND);
  kernel.mount(NONE, paths.shared, NONE, MS_SLAVE);
  kernel.mount(NONE, paths.shared, NONE, MS_BIND | MS_REMOUNT | MS_RDONLY);
}

/** Makes <share>/ID, where the guest mounts a root file system that is on a disk: it cannot make it, the top being read-only. */
export function makeRootPoint(paths: SandboxPaths, containerId: string, record: Record): void {
  makeDirectory(join(paths.mounts, containerId), record);
}

/** Mounts a container's root file system at <share>/ID/rootfs. */
export function shareRootfs(paths: SandboxPaths, containerId: string, rootfs: string, record: Record, kernel: Mounter): void {
  const target = join(paths.mounts, containerId, 'rootfs');
  makeRootPoint(paths, containerId, record);
  makeDirectory(target, record);
  bind({ source: rootfs, target, recursive: true }, record, kernel);
}

/** An empty directory or file to mount over. */
function makePlace(target: string, kind: SharedPath['kind'], record: Record): void {
  if (kind === 'directory') return makeDirectory(target, record);
  record({ undo: 'unlink', path: target });
  closeSync(openSync(target, 'wx', 0o640));
}

/** Mounts one of the container's volumes or files into the share. */
export function sharePath(paths: SandboxPaths, path: SharedPath, record: Record, kernel: Mounter): void {
  const target = join(paths.mounts, path.name);
  makePlace(target, path.kind, record);
  if (path.readonly) bindReadOnly(path, { target, aside: join(paths.share, path.name) }, record, kernel);
  else bind({ source: path.source, target, recursive: path.recursive }, record, kernel);
}

/**
 * Copies of a mount have its flags, but what becomes of it later is not theirs: read-only it must be before it is in the share, which
 * virtiofsd sees in a mount namespace of its own.
 */
function bindReadOnly(path: SharedPath, { target, aside }: { target: string; aside: string }, record: Record, kernel: Mounter): void {
  makePlace(aside, path.kind, record);
  bind({ source: path.source, target: aside, recursive: path.recursive }, record, kernel);
  kernel.mount(NONE, aside, NONE, MS_BIND | MS_REMOUNT | MS_RDONLY);
  bind({ source: aside, target, recursive: path.recursive }, record, kernel);
  unmountTree(aside, kernel);
  if (path.kind === 'directory') rmdirSync(aside);
  else unlinkSync(aside);
}

function bind(step: { source: string; target: string; recursive: boolean }, record: Record, kernel: Mounter): void {
  const { source, target, recursive } = step;
  if (statSync(source, { throwIfNoEntry: false }) === undefined)
    throw new KataError(`${source}, to be mounted into the container, is missing`);
  record({ undo: 'unmount', path: target });
  kernel.mount(source, target, NONE, recursive ? MS_BIND | MS_REC : MS_BIND);
  kernel.mount(NONE, target, NONE, recursive ? MS_PRIVATE | MS_REC : MS_PRIVATE);
}
