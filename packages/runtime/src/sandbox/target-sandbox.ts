import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { SandboxState } from '../state/state.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

/** The running sandbox in which a container is created. */
export interface TargetSandbox {
  readonly sandboxId: string;
  /** Journal of the container. */
  readonly journal: UndoJournal;
  readonly sandbox: SandboxState;
  readonly agent: AgentConnection;
  /** The configuration of the guest's network, which must finish before the container is ready. */
  readonly network?: Promise<void>;
  /** Whether the agent supports seccomp profiles. Missing: not known. */
  readonly takesSeccomp?: Promise<boolean>;
  /** Whether the container has been created while the network was configured. */
  readonly container?: Promise<boolean>;
  /** The container shares the network of another container, and nothing else. */
  readonly isJoined?: boolean;
}
