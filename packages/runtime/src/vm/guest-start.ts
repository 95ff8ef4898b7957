/** What the start of a VM and of its proxy needs. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { QemuPaths, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

/** Files of a VM and its proxy. */
export interface GuestFiles extends QemuPaths {
  readonly proxySocket: string;
  /** Directory of the proxy's log. */
  readonly vm: string;
}

export interface GuestStart {
  readonly plan: QemuPlan;
  readonly files: GuestFiles;
  /** Path of the network namespace that has the plan's taps. */
  readonly netns: string;
  readonly journal: UndoJournal;
  /** Fds of the devices of the plan's macvtaps, in its order. */
  readonly macvtaps?: readonly number[];
  /** Whether connections to 127.0.0.1 of the namespace are forwarded to the guest. */
  readonly forwardsPorts?: boolean;
  /** File with the state to load. Without a file the VM boots. */
  readonly state?: string;
  /** The first call to the agent, with its deadline. By default a check of its health. */
  readonly firstCall?: (agent: AgentConnection, deadlineMs: number) => Promise<unknown>;
  /** Part of the time of a boot that has passed while another process made a template with the same kernel and image, in milliseconds. */
  readonly waitedMs?: number;
}

/** A process without which waiting is useless. */
export interface Needed {
  readonly identity: ProcessIdentity;
  /** Rejects when the process ends. */
  readonly failed: Promise<never>;
}
