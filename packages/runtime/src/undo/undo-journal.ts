/**
 * Records a sandbox's changes on the host before they are made. A failed create, `delete` and clean-up after a crash
 * all replay the same file backwards, so there is one way to undo each change. Undoing a change that does not exist
 * is a success.
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { SavedLink } from '../network/macvtap-plan.ts';
import { isUndo } from '../state/validate-state.ts';

/** `container`: the container of a pod with which the entry is undone while the sandbox continues. */
export type Undo = { readonly container?: string } & (
  | { readonly undo: 'rmdir'; readonly path: string }
  | { readonly undo: 'unlink'; readonly path: string }
  | { readonly undo: 'remove-sockets'; readonly directory: string; readonly names: readonly string[] }
  | { readonly undo: 'unmount'; readonly path: string }
  | { readonly undo: 'remove-cgroup'; readonly directories: readonly string[] }
  | {
      readonly undo: 'kill';
      readonly name: string;
      readonly process: ProcessIdentity;
      /** Kill its children, too. */ readonly family?: true;
    }
  | { readonly undo: 'delete-links'; readonly netns: string; readonly links: readonly string[]; readonly ingress: readonly string[] }
  | { readonly undo: 'restore-links'; readonly netns: string; readonly links: readonly SavedLink[] }
  | { readonly undo: 'delete-netns'; readonly path: string }
);

/** Carries out one entry; must succeed when there is nothing to undo. */
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

  /** To be called directly after the start of a process, which is killed when the entry cannot be written: nothing else would end it. */
  recordProcess(entry: Extract<Undo, { undo: 'kill' }>): void {
    try {
      this.record(entry);
    } catch (error) {
      signalProcess(entry.process, 'SIGKILL');
      throw error;
    }
  }

  /** Keeps only the entries for which `isKept` returns true. Replaces the file atomically. */
  rewrite(isKept: (entry: Undo) => boolean): void {
    const kept = this.entries().filter(isKept);
    const temporary = `${this.#path}.${process.pid}`;
    writeFileSync(temporary, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600, flush: true });
    renameSync(temporary, this.#path);
  }

  /** Entries in the order in which they were recorded. An incomplete last line belongs to a step that was not begun; other damaged lines are skipped. */
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

/** Processes first, then the rest, each in reverse order: QEMU has shared files open until it ends. */
function inOrderOfUndoing(entries: readonly Undo[]): Undo[] {
  const isProcess = ({ undo }: Undo): boolean => undo === 'kill';
  const reversed = entries.toReversed();
  return [...reversed.filter(isProcess), ...reversed.filter((entry) => !isProcess(entry))];
}

/**
 * Undoes everything, processes first, then the rest in reverse order. Continues after failures.
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
