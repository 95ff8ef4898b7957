import type { Seccomp } from '@kata-containers/common/oci/spec';
import type { SandboxPaths } from '../context/paths.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import type { SandboxNetwork } from './attach-network.ts';

/** The VM that a sandbox needs. */
export interface VmRequest {
  readonly id: string;
  readonly plan: QemuPlan;
  readonly files: SandboxPaths;
  readonly network: SandboxNetwork;
  readonly journal: UndoJournal;
  /** The seccomp profile that the guest applies to the first container. */
  readonly seccomp: Seccomp | undefined;
  /** Whether connections to 127.0.0.1 of the network namespace are forwarded to the guest. A VM of the cache does not. */
  readonly forwardsPorts: boolean;
}
