/**
 * Plans which directories and files of the host are shared with the guest, and the container's mounts in the guest.
 * Pure: `HostFacts` has the facts of the host.
 */
import { basename } from 'node:path';
import type { Mount } from '@kata-containers/common/oci/spec';
import { guestShare } from '../context/paths.ts';
import { isBind } from './is-bind.ts';
import { getsLaterMounts } from './propagation.ts';
import { readOnlyPart } from './read-only-part.ts';
import type { ReadOnlyPart } from './read-only-part.ts';

export interface ShareFacts {
  /** Type of a bind mount's source; undefined when it does not exist. */
  kindOf(path: string): 'directory' | 'file' | 'other' | undefined;
  /** Capacity of the file system at `path`, in bytes; undefined when the path does not exist. */
  capacityOf(path: string): number | undefined;
  /** Whether `path` exists and is in a tmpfs. */
  isInTmpfs(path: string): boolean;
  /** Whether a mount below `path` is writable. */
  hasWritableMountBelow(path: string): boolean;
  /** Whether the shares of sandboxes are below `path`. */
  containsShares(path: string): boolean;
  /** 16 random hexadecimal digits, new at each call. */
  randomName(): string;
}

/** One bind mount into the share. */
export interface SharedPath {
  readonly source: string;
  /** Path below the share's top: a directory of this mount only, and the entry in it. */
  readonly name: string;
  readonly kind: 'directory' | 'file';
  readonly recursive: boolean;
  readonly readonly: ReadOnlyPart;
  /** Later mounts of the host below `source` appear in the share. */
  readonly laterMounts: boolean;
}

export interface SharePlan {
  readonly shared: readonly SharedPath[];
  /** The container's mounts with the guest's sources. */
  readonly mounts: readonly Mount[];
}

/** Size of the sandbox's /dev/shm unless the engine mounts one of another size, in bytes. */
const DEFAULT_SHM_BYTES = 64 << 20;
const SUFFIXES: Readonly<Record<string, number>> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** The `size=` of a tmpfs (tmpfs(5)) in bytes; undefined for a percentage of memory. */
function tmpfsBytes(options: readonly string[]): number | undefined {
  const [, digits, suffix = ''] = options.map((option) => /^size=(\d+)([kmg]?)$/i.exec(option)).find(Boolean) ?? [];
  return digits === undefined ? undefined : Number(digits) * (SUFFIXES[suffix.toLowerCase()] ?? 1);
}

/**
 * Engines mount a tmpfs of their own at /dev/shm, or bind one that they keep for several containers, in a directory named shm (docker
 * `--ipc shareable`, podman, CRI). Any other source is a volume, whose files must reach the host.
 */
function isSharedMemory(mount: Mount, { isInTmpfs }: Pick<ShareFacts, 'isInTmpfs'>): boolean {
  const { destination, source = '' } = mount;
  if (destination !== '/dev/shm') return false;
  return !isBind(mount) || (basename(source) === 'shm' && isInTmpfs(source));
}

type ShmFacts = Pick<ShareFacts, 'capacityOf' | 'isInTmpfs'>;

function bytesOf(mount: Mount, facts: ShmFacts): number {
  const bytes = isBind(mount) ? facts.capacityOf(mount.source ?? '') : tmpfsBytes(mount.options ?? []);
  return bytes === undefined || bytes === 0 ? DEFAULT_SHM_BYTES : bytes;
}

/** Bytes of the sandbox's /dev/shm: the size of the engine's, or the default. */
export function shmBytes(mounts: readonly Mount[], facts: ShmFacts): number {
  const mount = mounts.find((candidate) => isSharedMemory(candidate, facts));
  return mount ? bytesOf(mount, facts) : DEFAULT_SHM_BYTES;
}

/** The guest has its own kernel file systems and its own /dev. The source decides, because the destination may be any path of the container. */
const staysInGuest = ({ destination, source = '' }: Mount): boolean =>
  destination === '/dev' || /^\/(proc|sys|dev\/(mqueue|pts|hugepages))(\/|$)/.test(source);

/** Default options of /dev/shm, unless the engine sets the opposite (crun removes options that a bind mount does not name). */
const SHM_FLAGS = { nosuid: 'suid', nodev: 'dev', noexec: 'exec' };

function shmFlags(options: readonly string[]): string[] {
  const flags = Object.entries(SHM_FLAGS).flatMap(([flag, opposite]) => (options.includes(opposite) ? [] : [flag]));
  return [...flags, ...(readOnlyPart(options) === 'none' ? [] : ['ro'])];
}

/** The container's /dev/shm is the sandbox's own, shared by its containers. */
export const shmMount = (options: readonly string[] = []): Mount => ({
  destination: '/dev/shm',
  type: 'bind',
  source: '/run/kata-containers/sandbox/shm',
  options: ['rbind', ...shmFlags(options)],
});

/** A /dev/shm of the container alone, in the guest. */
const ownShmMount = (mount: Mount, facts: ShmFacts): Mount => ({
  destination: '/dev/shm',
  type: 'tmpfs',
  source: 'shm',
  options: [...shmFlags(mount.options ?? []), 'mode=1777', `size=${bytesOf(mount, facts)}`],
});

function share(mount: Mount, containerId: string, facts: ShareFacts): SharedPath | undefined {
  const { source = '', options = [] } = mount;
  const kind = facts.kindOf(source);
  if (kind === undefined || kind === 'other') return undefined;
  return {
    source,
    // /proc/self/mountinfo of the container has the name of the source, as without a VM.
    name: `${containerId}-${facts.randomName()}/${basename(source) || 'root'}`,
    kind,
    recursive: options.includes('rbind'),
    readonly: readOnlyPart(options),
    // The mounts of each later sandbox would appear, too, and a guest could keep them in use.
    laterMounts: getsLaterMounts(options) && !facts.containsShares(source),
  };
}

/**
 * The guest sees a volume and the mounts below it as one mount. That mount is writable if one of them is, or can be later; the host
 * refuses changes of the read-only ones.
 */
function guestOptions({ options = [] }: Mount, { source, recursive, readonly, laterMounts }: SharedPath, facts: ShareFacts): string[] {
  const isPartlyWritable = readonly === 'top' && (laterMounts || (recursive && facts.hasWritableMountBelow(source)));
  return isPartlyWritable ? options.filter((option) => option !== 'ro') : options;
}

export interface ShareOptions {
  /** Mounts whose sources are in the guest already. */
  readonly inGuest?: ReadonlySet<Mount>;
  /** The container does not share the sandbox's /dev/shm. */
  readonly ownSharedMemory?: boolean;
}

/** Plans the mounts of one container. */
export function planShare(
  containerId: string,
  mounts: readonly Mount[],
  facts: ShareFacts,
  { inGuest = new Set(), ownSharedMemory = false }: ShareOptions = {},
): SharePlan {
  const shared: SharedPath[] = [];
  const guestMounts = mounts.map((mount): Mount => {
    if (inGuest.has(mount)) return mount;
    if (isSharedMemory(mount, facts)) return ownSharedMemory ? ownShmMount(mount, facts) : shmMount(mount.options);
    if (!isBind(mount) || staysInGuest(mount)) return mount;
    const path = share(mount, containerId, facts);
    if (!path) return mount;
    shared.push(path);
    return { ...mount, type: 'bind', source: `${guestShare}/${path.name}`, options: guestOptions(mount, path, facts) };
  });
  return { shared, mounts: guestMounts };
}

/** File of the host whose lines become the guest's resolv.conf. */
export const resolvConfSource = (mounts: readonly Mount[]): string | undefined =>
  mounts.find(({ destination }) => destination === '/etc/resolv.conf')?.source;
