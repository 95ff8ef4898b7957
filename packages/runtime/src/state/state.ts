/**
 * The saved state of a sandbox and its containers: 1.x's persist.json with 1.x's names of the keys that are needed. A key that gets another
 * name is read under both names (current-keys.ts): sandboxes continue to run when kata-runtime is upgraded.
 */
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { DiskDriver } from '../hypervisor/qemu/disk.ts';
import type { MemoryBackend } from '../hypervisor/qemu/memory-backend-plan.ts';
import type { NetworkFacts } from '../network/join.ts';
import type { SavedLink } from '../network/macvtap-plan.ts';
import type { Limits } from '../sizing/limits-plan.ts';
import type { ContainerState } from './lifecycle.ts';

/** Version of the format. Raised when readers of the old format could misread the new format. */
export const PERSIST_VERSION = 2;

/** A network interface of the VM, with 1.x's names. */
export interface Endpoint {
  readonly Name: string;
  readonly HardAddr: string;
  readonly Tap: string;
  readonly NetDev: string;
  /** Slot on the bridge; 0 for a device that the VM was started with. */
  readonly Slot: number;
  /** The link's state before its macvtap; missing with tcfilter. */
  readonly Saved?: SavedLink;
}

/** A block device of the host that is attached to the VM, or is being attached: it is recorded first. */
export interface DiskRecord {
  /** Name of the backend in QEMU. */
  readonly ID: string;
  /** `major:minor` on the host. For a file, `file` with the device number of its file system and its inode number. */
  readonly Number: string;
  readonly ReadOnly: boolean;
  readonly Driver: DiskDriver;
  /** Number of the disk, the lowest free one (1.x's BlockIndexMap); NVDIMMs are numbered separately. */
  readonly Index: number;
  /** Slot on the bridge; 0 for a SCSI disk. */
  readonly Slot: number;
  /** Guest physical address of an NVDIMM. */
  readonly Addr?: number;
  /** False until it is attached completely. */
  readonly Plugged: boolean;
  /** Ids of the containers that use it. */
  readonly Containers: readonly string[];
}

/** 1.x's names of the configuration with which the sandbox was created. */
export interface DiskConfig {
  readonly BlockDeviceDriver: DiskDriver;
  /** NVDIMMs that the VM was started with. Missing when its machine takes none. */
  readonly NvdimmCount?: number;
  readonly DisableBlockDeviceUse: boolean;
  readonly BlockDeviceCacheSet: boolean;
  readonly BlockDeviceCacheDirect: boolean;
  readonly BlockDeviceCacheNoflush: boolean;
}

export interface SandboxState {
  readonly PersistVersion: number;
  /** Id of the container that the sandbox was made for. */
  readonly SandboxContainer: string;
  readonly ConfigPath: string;
  /** Configuration with which the sandbox was created. Missing in files of earlier versions. */
  readonly Config?: { readonly SandboxCgroupOnly: boolean; readonly HypervisorConfig?: DiskConfig };
  /** Containers that share the network of the first container, in the order of joining. The VM runs until they are deleted, too. */
  readonly Joined?: readonly string[];
  /** The container whose cgroups contain the VM's processes, once the first container is deleted. */
  readonly CgroupContainer?: string;
  /** The last container is being deleted: no other container may join. */
  readonly IsEnding?: boolean;
  /** Missing in files of earlier versions, and without a value. */
  readonly Devices?: readonly DiskRecord[];
  readonly HypervisorState: {
    readonly Process: ProcessIdentity;
    readonly UUID: string;
    readonly Accelerator: Accelerator;
    /** virtiofsd, with virtio-fs. */
    readonly Virtiofsd?: ProcessIdentity;
    /** The VM's memory backend, unless it is the default. */
    readonly Memory?: MemoryBackend;
  };
  readonly AgentState: { readonly Proxy: ProcessIdentity; readonly URL: string };
  readonly Network: {
    readonly NetNsPath: string;
    readonly NetNsCreated: boolean;
    /** Docker's resolver works in the namespace. */
    readonly HasResolver?: boolean;
    /** Links that are connected to the VM. Missing in files of earlier versions. */
    readonly Endpoints?: readonly Endpoint[];
    /** Network configuration of the guest. Missing in files of earlier versions. */
    readonly GuestNetwork?: NetworkFacts;
    /** Names of links that `kata-network del-iface` has detached: they are attached again only by `add-iface`. */
    readonly Detached?: readonly string[];
  };
}

/** The container whose cgroups have the VM's processes. */
export const cgroupContainerOf = ({
  SandboxContainer,
  CgroupContainer,
}: Pick<SandboxState, 'SandboxContainer' | 'CgroupContainer'>): string => CgroupContainer ?? SandboxContainer;

export interface ContainerRecord {
  readonly PersistVersion: number;
  readonly State: ContainerState;
  readonly BundlePath: string;
  readonly Rootfs: string;
  /** RFC 3339, nanoseconds. */
  readonly Created: string;
  /** `pod_sandbox` or `pod_container`. */
  readonly Type: string;
  readonly Process: { readonly Token: string; readonly Shim: ProcessIdentity };
  /** Current limits. Missing in files of earlier versions: the bundle's apply. */
  readonly Limits?: Limits;
}
