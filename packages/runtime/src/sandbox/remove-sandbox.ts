/** Removes a sandbox in any state, also an incomplete or damaged sandbox. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { mountPointsBelow, readMountTable } from '../mounts/mount-table.ts';
import { allEntries } from '../undo/container-journal.ts';
import { containerFile, mappingDirectory, sandboxPaths } from '../context/paths.ts';
import { firstContainer } from '../state/sandbox-name.ts';
import { undoAll } from '../undo/undo.ts';

/**
 * Removes a state directory. It has only files of the runtime, but another program could have mounted something there.
 * @throws KataError for such a mount
 */
export function removeStateDirectory(path: string): void {
  const [mounted] = mountPointsBelow(path, readMountTable());
  if (mounted !== undefined) throw new KataError(`${mounted} is a mount point: ${path} is not removed`);
  rmSync(path, { recursive: true, force: true });
}

/**
 * Removes the mapping of a container to its sandbox. The journal removes it, too; without this removal, an id with a lost journal could
 * never be used again.
 */
export function forgetContainer(sandboxId: string, id: string): void {
  if (existsSync(dirname(containerFile(sandboxId, id)))) return;
  const mapping = join(mappingDirectory, id);
  removeStateDirectory(join(mapping, sandboxId));
  const isUnused = existsSync(mapping) && readdirSync(mapping).length === 0; // a container with the same id may have been created in another sandbox
  if (isUnused) removeStateDirectory(mapping);
}

/** A concurrent create in the pod adds entries, which the next round undoes: limit of the rounds. */
const ROUNDS = 3;

async function undoUntilQuiet(id: string, kernel: Kernel): Promise<string[]> {
  let failures: string[] = [];
  let undone = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const entries = allEntries(id);
    if (entries.length === undone) break;
    failures = await undoAll(entries, kernel);
    undone = entries.length;
  }
  return failures;
}

/**
 * Undoes all entries of the journals of the sandbox and its containers. The state directory is removed last, and only when nothing else is
 * left: until then the next attempt finds the journals.
 * @returns one line for each step that could not be undone
 */
export async function removeSandbox(id: string, kernel: Kernel): Promise<string[]> {
  const paths = sandboxPaths(id);
  const failures = await undoUntilQuiet(id, kernel);
  if (failures.length > 0) return failures;
  removeStateDirectory(paths.state);
  forgetContainer(id, firstContainer(id));
  return [];
}
