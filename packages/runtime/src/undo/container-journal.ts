/**
 * The journal of a container: the sandbox's for its first container, otherwise one of its own, which is removed with the container. So the
 * sandbox's journal does not grow with each restarted container, and no process rewrites a file that others append to.
 */
import { dirname, join } from 'node:path';
import { directoriesIn } from '../context/directories-in.ts';
import { containerFile, sandboxPaths } from '../context/paths.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { UndoJournal } from './undo-journal.ts';
import type { Undo } from './undo-journal.ts';

const NAME = 'undo.jsonl';

export const journalOf = (sandboxId: string, id: string): UndoJournal =>
  new UndoJournal(isFirstContainer(sandboxId, id) ? sandboxPaths(sandboxId).journal : join(dirname(containerFile(sandboxId, id)), NAME));

/** Entries of this container. Earlier versions wrote those of all containers to the sandbox's journal. */
export function containerEntries(sandboxId: string, id: string): Undo[] {
  const inSandbox = new UndoJournal(sandboxPaths(sandboxId).journal).entries().filter(({ container }) => container === id);
  return isFirstContainer(sandboxId, id) ? inSandbox : [...inSandbox, ...journalOf(sandboxId, id).entries()];
}

/** Entries of the sandbox and all of its containers. */
export function allEntries(sandboxId: string): Undo[] {
  const { state, journal, linkJournal } = sandboxPaths(sandboxId);
  return [journal, linkJournal, ...directoriesIn(state).map((name) => join(state, name, NAME))].flatMap((path) =>
    new UndoJournal(path).entries(),
  );
}

/** Moves entries that could not be undone to the sandbox's journal, so that the container's journal can be removed. */
export function transferEntries(sandboxId: string, entries: readonly Undo[]): void {
  const journal = new UndoJournal(sandboxPaths(sandboxId).journal);
  for (const entry of entries) journal.record(entry);
}

/**
 * Entries to undo when a sandbox continues without its first container: those of the container, and the cgroup with the CPU set of the VM,
 * which is below the container's cgroup path. A new container may use the same names.
 */
export const firstContainerEntries = (sandboxId: string): Undo[] =>
  new UndoJournal(sandboxPaths(sandboxId).journal).entries().filter((entry) => isOfFirst(sandboxId, entry));

const isOfFirst = (sandboxId: string, { container, undo }: Undo): boolean =>
  isFirstContainer(sandboxId, container ?? '') || (container === undefined && undo === 'remove-cgroup');

/** Removes these entries from the sandbox's journal. To be called with the sandbox's lock. */
export function dropFirstContainer(sandboxId: string): void {
  new UndoJournal(sandboxPaths(sandboxId).journal).rewrite((entry) => !isOfFirst(sandboxId, entry));
}
