/**
 * A pod's emptyDir volumes (kubelet's `kubernetes.io~empty-dir/NAME`) are the guest's own: memory of its, or a directory beside the
 * root file system of the pod's first container. They end with the pod, so the host needs not see them. 1.x's places and drivers.
 */
import { basename, dirname } from 'node:path';
import type { Mount } from '@kata-containers/common/oci/spec';
import { guestShare } from '../context/paths.ts';

/** What the agent is asked to provide, in Storage's words (agent.proto). */
export interface VolumeStorage {
  readonly driver: 'ephemeral' | 'local';
  readonly source: string;
  readonly fstype: string;
  readonly mount_point: string;
  readonly options: string[];
}

export interface PodVolumePlan {
  readonly storages: readonly VolumeStorage[];
  /** All mounts; those of emptyDir volumes with sources in the guest, which the share leaves alone. */
  readonly mounts: readonly Mount[];
  /** Those of `mounts` that are the guest's. */
  readonly inGuest: ReadonlySet<Mount>;
}

const isEmptyDir = ({ source = '' }: Mount): boolean => basename(dirname(source)) === 'kubernetes.io~empty-dir';

function memory(name: string): VolumeStorage {
  const mount_point = `/run/kata-containers/sandbox/ephemeral/${name}`;
  return { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point, options: [] };
}

function disk(name: string, sandboxId: string): VolumeStorage {
  const mount_point = `${guestShare}/${sandboxId}/rootfs/local/${name}`;
  return { driver: 'local', source: 'local', fstype: 'local', mount_point, options: ['mode=0777'] };
}

/** `isTmpfs` says whether a path is where a tmpfs is mounted: a directory in a tmpfs is no volume of medium Memory. */
export function planPodVolumes(sandboxId: string, mounts: readonly Mount[], isTmpfs: (path: string) => boolean): PodVolumePlan {
  const storages = new Map<string, VolumeStorage>();
  const inGuest = new Set<Mount>();
  const planned = mounts.map((mount): Mount => {
    if (!isEmptyDir(mount)) return mount;
    const source = mount.source ?? '';
    const storage = isTmpfs(source) ? memory(basename(source)) : disk(basename(source), sandboxId);
    storages.set(storage.mount_point, storage);
    const moved: Mount = { ...mount, type: 'bind', source: storage.mount_point };
    inGuest.add(moved);
    return moved;
  });
  return { storages: [...storages.values()], mounts: planned, inGuest };
}
