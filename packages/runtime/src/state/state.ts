/** What is kept on disk about a sandbox and its containers: 1.x's persist.json with 1.x's key names, as far as we need them. */
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { DiskDriver } from '../hypervisor/qemu/disk.ts';
import type { MemoryBackend } from '../hypervisor/qemu/memory-backend-plan.ts';
import type { NetworkFacts } from '../network/join.ts';
import type { SavedLink } from '../network/macvtap-plan.ts';
import type { Limits } from '../sizing/limits-plan.ts';
import type { ContainerState } from './lifecycle.ts';

/** Raised when a reader of the older form could misread the newer one. */
export const PERSIST_VERSION = 2;

export interface Endpoint {
  readonly Name: string;
  readonly HardAddr: string;
  readonly Tap: string;
  readonly NetDev: string;
  /** Place on the bridge; 0 for a device that the VM was started with. */
  readonly Slot: number;
  /** What a macvtap took from the link; missing for one that is joined by tcfilter. */
  readonly Saved?: SavedLink;
}

/** A block device of the host that the VM has, or is about to have: what is being plugged stands here before. */
export interface DiskRecord {
  /** Name of QEMU's side of it. */
  readonly ID: string;
  /** `major:minor` on the host; of a file, `file` and its file system's number and its own. */
  readonly Number: string;
  readonly ReadOnly: boolean;
  readonly Driver: DiskDriver;
  /** Which of the VM's disks it is, the lowest that was free (1.x's BlockIndexMap); NVDIMMs have numbers of their own. */
  readonly Index: number;
  /** Place on the bridge; 0 for a SCSI disk. */
  readonly Slot: number;
  /** Where in the guest's memory an NVDIMM is. */
  readonly Addr?: number;
  /** False until QEMU has it whole. */
  readonly Plugged: boolean;
  /** Ids of those that use it. */
  readonly Containers: readonly string[];
}

/** 1.x's names of what the sandbox was made with. */
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
  /** What the sandbox was made with, whatever the configuration has become. Missing in what an earlier version wrote. */
  readonly Config?: { readonly SandboxCgroupOnly: boolean; readonly HypervisorConfig?: DiskConfig };
  /** Missing in what an earlier version wrote, and as long as there is none. */
  readonly Devices?: readonly DiskRecord[];
  readonly HypervisorState: {
    readonly Process: ProcessIdentity;
    readonly UUID: string;
    readonly Accelerator: Accelerator;
    /** Daemon of virtio-fs, when the share is one. */
    readonly Virtiofsd?: ProcessIdentity;
    /** Kind of the VM's memory, when it is not plain. */
    readonly Memory?: MemoryBackend;
  };
  readonly AgentState: { readonly Proxy: ProcessIdentity; readonly URL: string };
  readonly Network: {
    readonly NetNsPath: string;
    readonly NetNsCreated: boolean;
    /** Docker's resolver works in the namespace. */
    readonly HasResolver?: boolean;
    /** Links that are joined to the VM. Missing in what an earlier version wrote. */
    readonly Endpoints?: readonly Endpoint[];
    /** What the guest was configured with. Missing in what an earlier version wrote. */
    readonly Told?: NetworkFacts;
    /** Names of links that `kata-network del-iface` has detached: they are attached again only by `add-iface`. */
    readonly Detached?: readonly string[];
  };
}

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
  /** As they are now. Missing in what an earlier version wrote: those of the bundle. */
  readonly Limits?: Limits;
}
