/**
 * Which journal a container's steps are in: the sandbox' for its first container, else one of its own, which is removed with the container. So a
 * pod's do not grow with a container that is made again and again, and no process rewrites a file that others append to.
 */
import { dirname, join } from 'node:path';
import { directoriesIn } from '../context/directories-in.ts';
import { containerFile, sandboxPaths } from '../context/paths.ts';
import { UndoJournal } from './undo-journal.ts';
import type { Undo } from './undo-journal.ts';

const NAME = 'undo.jsonl';

export const journalOf = (sandboxId: string, id: string): UndoJournal =>
  new UndoJournal(id === sandboxId ? sandboxPaths(sandboxId).journal : join(dirname(containerFile(sandboxId, id)), NAME));

/** What was done for this container. An earlier version wrote to the sandbox' journal for all. */
export function containerEntries(sandboxId: string, id: string): Undo[] {
  const inSandbox = new UndoJournal(sandboxPaths(sandboxId).journal).entries().filter(({ container }) => container === id);
  return id === sandboxId ? inSandbox : [...inSandbox, ...journalOf(sandboxId, id).entries()];
}

/** What was done for the sandbox and all of its containers. */
export function allEntries(sandboxId: string): Undo[] {
  const { state, journal } = sandboxPaths(sandboxId);
  return [journal, ...directoriesIn(state).map((name) => join(state, name, NAME))].flatMap((path) => new UndoJournal(path).entries());
}

/** Leaves what could not be undone to the end of the sandbox, so that the container's own journal can go. */
export function transferEntries(sandboxId: string, entries: readonly Undo[]): void {
  const journal = new UndoJournal(sandboxPaths(sandboxId).journal);
  for (const entry of entries) journal.record(entry);
}
