import type { Bundle } from '../bundle/load-bundle.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

/** A sandbox to create, for the container whose bundle is given. */
export interface SandboxRequest {
  readonly sandboxId: string;
  /** The container's. */
  readonly id: string;
  readonly bundle: Bundle;
  /** The sandbox's. */
  readonly journal: UndoJournal;
}
