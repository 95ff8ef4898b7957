/** The complete configuration of a QEMU process, as plain data. */
import type { MemoryBackend } from './memory-backend-plan.ts';

export type Accelerator = 'kvm' | 'tcg';

export interface QemuPaths {
  readonly qmpSocket: string;
  readonly consoleSocket: string;
  readonly agentSocket: string;
  readonly pidFile: string;
  readonly qemuLog: string;
}

export interface QemuNetwork {
  /** Name of the tap, or macvtap, in the VM's network namespace. */
  readonly tap: string;
  readonly macvtap?: true;
  /** MAC address that the guest sees. */
  readonly mac: string;
}

export interface QemuImage {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Guest memory in a file. If shared, the guest's writes go to the file; otherwise each VM has private copies of the pages that it writes. */
export interface MemoryFile {
  readonly path: string;
  readonly shared: boolean;
  /** Whether QEMU opens the file for reading only. Then the memory must not be shared. */
  readonly readOnly?: boolean;
}

/** A virtio-fs share: a daemon serves it on a unix socket (vhost-user). */
export interface VirtioFs {
  readonly socket: string;
  /** Size of the DAX window, through which the guest maps the host's pages; 0 for no window. */
  readonly cacheMiB: number;
}

export interface QemuPlan {
  readonly binary: string;
  readonly sandboxId: string;
  readonly uuid: string;
  readonly accelerator: Accelerator;
  readonly machineType: string;
  readonly machineAccelerators: string;
  readonly cpuFeatures: string;
  readonly vcpus: number;
  readonly maxVcpus: number;
  readonly memoryMiB: number;
  readonly maxMemoryMiB: number;
  readonly memorySlots: number;
  readonly bridges: number;
  readonly kernel: string;
  readonly kernelParams: string;
  readonly agentDebug: boolean;
  /** The agent may run processes outside of the containers (kata-shell). */
  readonly debugShell: boolean;
  readonly debug: boolean;
  /** Either an image or an initrd. */
  readonly image?: QemuImage;
  readonly initrd?: string;
  readonly imageAsNvdimm: boolean;
  /** Block devices of the host are attached as NVDIMMs. */
  readonly disksAsNvdimm: boolean;
  readonly firmware: string;
  readonly pflashes: readonly string[];
  /** Block devices have an I/O thread. */
  readonly ioThread: boolean;
  /** Guest memory may be swapped out. */
  readonly swappable: boolean;
  readonly entropySource: string;
  /** Host directory shared with the guest as `kataShared`: by QEMU itself (9p) unless `virtioFs` is set. */
  readonly sharedDirectory: string;
  readonly virtioFs?: VirtioFs;
  readonly networks: readonly QemuNetwork[];
  readonly vhostNet: boolean;
  /** True if the host is a VM: 1.x then disables modern virtio. */
  readonly nested: boolean;
  /** The memory file of a template. Set for a template and its clones. */
  readonly memoryFile?: MemoryFile;
  /** Whether a template keeps the code that its QEMU has translated, and clones use it. */
  readonly keepsCode: boolean;
  /** File for the translated code. A template writes the file, and its clones map it. */
  readonly codeFile?: string;
  /** Backend of memory that is not plain anonymous memory. Such a VM is neither template nor clone. */
  readonly memoryBackend?: MemoryBackend;
  /** Value of `-sandbox`; empty for no seccomp filter. */
  readonly seccomp: string;
  /** User and group id of QEMU, which owns nothing else on the host. Without it QEMU runs as root. */
  readonly user?: number;
  /** Why QEMU runs as root, for the log. */
  readonly rootReason?: string;
  /** The VM does not boot: it waits for the saved state of a template. */
  readonly incoming?: boolean;
  readonly paths: QemuPaths;
}
