/**
 * What a sandbox has made on the host, written down before it is made. A failed create, `delete` and clean-up after a crash
 * all replay the same file backwards, so there is one way to undo a thing, and each undo is a success when there is nothing
 * (any more) to undo.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { SavedLink } from '../network/macvtap-plan.ts';
import { isUndo } from '../state/validate-state.ts';

/** `container`: the container of a pod with which the entry is undone while the sandbox runs on. */
export type Undo = { readonly container?: string } & (
  | { readonly undo: 'rmdir'; readonly path: string }
  | { readonly undo: 'unlink'; readonly path: string }
  | { readonly undo: 'remove-sockets'; readonly directory: string; readonly names: readonly string[] }
  | { readonly undo: 'unmount'; readonly path: string }
  | { readonly undo: 'remove-cgroup'; readonly directories: readonly string[] }
  | { readonly undo: 'kill'; readonly name: string; readonly process: ProcessIdentity; /** Its children too. */ readonly family?: true }
  | { readonly undo: 'delete-links'; readonly netns: string; readonly links: readonly string[]; readonly ingress: readonly string[] }
  | { readonly undo: 'restore-links'; readonly netns: string; readonly links: readonly SavedLink[] }
  | { readonly undo: 'delete-netns'; readonly path: string }
);

/** Carries one entry out; must succeed when the thing is gone already. */
export type UndoOne = (entry: Undo) => void | Promise<void>;

export class UndoJournal {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }

  /** To be called before the step that `entry` undoes. */
  record(entry: Undo): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600, flush: true });
  }

  /** Entries in the order they were recorded. A last line cut short by a crash belongs to a step that was not begun; a damaged one keeps nothing else. */
  entries(): Undo[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return [];
    }
    return text.split('\n').flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line);
        return isUndo(entry) ? [entry as Undo] : [];
      } catch {
        return [];
      }
    });
  }
}

/** Processes first, each kind last thing first: a QEMU on its way out still holds the files that were shared after its start. */
function inOrderOfUndoing(entries: readonly Undo[]): Undo[] {
  const isProcess = ({ undo }: Undo): boolean => undo === 'kill';
  const reversed = entries.toReversed();
  return [...reversed.filter(isProcess), ...reversed.filter((entry) => !isProcess(entry))];
}

/**
 * Undoes everything, processes first and then last thing first, and goes on after failures: what can go must go.
 * @returns one line for each thing that could not be undone
 */
export async function replay(entries: readonly Undo[], undoOne: UndoOne): Promise<string[]> {
  const failures: string[] = [];
  for (const entry of inOrderOfUndoing(entries)) {
    try {
      await undoOne(entry);
    } catch (error) {
      failures.push(errorMessage(error));
    }
  }
  return failures;
}
