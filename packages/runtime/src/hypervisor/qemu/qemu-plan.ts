/** Everything that a QEMU is started with, as plain data. */
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
  /** Whether QEMU opens the file for reading only; it must not be shared then. */
  readonly readOnly?: boolean;
}

/** The share is served by a daemon that listens on a unix socket (vhost-user). */
export interface VirtioFs {
  readonly socket: string;
  /** Size of the DAX window, through which the guest maps the host's pages. 0: none. */
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
  /** The agent runs processes beside the containers. */
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
  /** True on a host that is itself a VM: 1.x avoids modern virtio there. */
  readonly nested: boolean;
  /** Set for a template and its clones; other VMs have memory of their own. */
  readonly memoryFile?: MemoryFile;
  /** Whether a template keeps the code that its QEMU has translated, and clones use it. */
  readonly keepsCode: boolean;
  /** File for that code. Set for a template, which writes it, and its clones, which map it. */
  readonly codeFile?: string;
  /** Memory that is not plain. Such a VM is neither template nor clone. */
  readonly memoryBackend?: MemoryBackend;
  /** Value of `-sandbox`; empty: no seccomp filter. */
  readonly seccomp: string;
  /** User and group that QEMU runs as, a number that owns nothing else; root without one. */
  readonly user?: number;
  /** The VM waits for the state of another one instead of booting. */
  readonly incoming?: boolean;
  readonly paths: QemuPaths;
}
