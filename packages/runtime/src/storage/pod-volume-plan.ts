/**
 * A pod's emptyDir volumes (kubelet's `kubernetes.io~empty-dir/NAME`) are in the guest: a tmpfs, or a directory beside the root file system
 * of the pod's first container. They end with the pod, so the host does not need them. 1.x's paths and drivers. kubelet applies the pod's
 * `fsGroup` and the volume's `sizeLimit` to the host's directory, from which the runtime reads them for the guest.
 */
import { basename, dirname } from 'node:path';
import type { Mount } from '@kata-containers/common/oci/spec';
import { guestShare } from '../context/paths.ts';

/** Storages that the agent provides (agent.proto). */
export interface VolumeStorage {
  readonly driver: 'ephemeral' | 'local';
  readonly source: string;
  readonly fstype: string;
  readonly mount_point: string;
  readonly options: string[];
}

export interface PodVolumePlan {
  readonly storages: readonly VolumeStorage[];
  /** All mounts; mounts of emptyDir volumes have sources in the guest, which are not shared. */
  readonly mounts: readonly Mount[];
  /** Elements of `mounts` that the guest mounts. */
  readonly inGuest: ReadonlySet<Mount>;
}

/** Facts of the host. */
export interface VolumeFacts {
  /**
   * Options of the tmpfs that is mounted exactly at the path; undefined for other paths: a directory inside a tmpfs is not a volume of
   * medium Memory.
   */
  tmpfsOptions(path: string): readonly string[] | undefined;
  /** `mode`: without the type of the file. */
  ownerOf(path: string): { readonly gid: number; readonly mode: number };
}

const isEmptyDir = ({ source = '' }: Mount): boolean => basename(dirname(source)) === 'kubernetes.io~empty-dir';

type Owner = ReturnType<VolumeFacts['ownerOf']>;

const modeOption = ({ mode }: Owner): string => `mode=${mode.toString(8).padStart(4, '0')}`;

function memory(name: string, owner: Owner, given: readonly string[]): VolumeStorage {
  const mount_point = `/run/kata-containers/sandbox/ephemeral/${name}`;
  const size = given.filter((option) => option.startsWith('size='));
  const options = [modeOption(owner), ...(owner.gid === 0 ? [] : [`gid=${owner.gid}`]), ...size];
  return { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point, options };
}

/** `fsgid` is an option of Kata Containers 2; the agent of 1.x ignores it. */
function disk(name: string, sandboxId: string, owner: Owner): VolumeStorage {
  const mount_point = `${guestShare}/${sandboxId}/rootfs/local/${name}`;
  const options = [modeOption(owner), ...(owner.gid === 0 ? [] : [`fsgid=${owner.gid}`])];
  return { driver: 'local', source: 'local', fstype: 'local', mount_point, options };
}

export function planPodVolumes(sandboxId: string, mounts: readonly Mount[], facts: VolumeFacts): PodVolumePlan {
  const storages = new Map<string, VolumeStorage>();
  const inGuest = new Set<Mount>();
  const planned = mounts.map((mount): Mount => {
    if (!isEmptyDir(mount)) return mount;
    const source = mount.source ?? '';
    const [name, owner, given] = [basename(source), facts.ownerOf(source), facts.tmpfsOptions(source)];
    const storage = given ? memory(name, owner, given) : disk(name, sandboxId, owner);
    storages.set(storage.mount_point, storage);
    const moved: Mount = { ...mount, type: 'bind', source: storage.mount_point };
    inGuest.add(moved);
    return moved;
  });
  return { storages: [...storages.values()], mounts: planned, inGuest };
}
