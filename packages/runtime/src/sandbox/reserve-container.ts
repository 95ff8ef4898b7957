/** Reserves the id of a new container. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { ContainerExistsError } from '@kata-containers/common/errors/kata-error';
import { containerFile, mappingDirectory, sandboxPaths, sandboxesDirectory } from '../context/paths.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { journalOf } from '../undo/container-journal.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { explainFullRun } from './explain-full-run.ts';
import { forgetContainer, removeStateDirectory } from './remove-sandbox.ts';

/** The directory reserves the id: when two creates use one id, one of them fails here. */
function makeOnce(directory: string, id: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw errorCode(error) === 'EEXIST' ? new ContainerExistsError(id) : error;
  }
}

/**
 * Reserves the id and maps it to its sandbox, so that `delete` also finds an incomplete container.
 * @returns the container's journal. @throws ContainerExistsError
 */
export function reserveContainer(id: string, sandboxId: string): UndoJournal {
  mkdirSync(sandboxesDirectory, { recursive: true, mode: 0o750 });
  const directory = isFirstContainer(sandboxId, id) ? sandboxPaths(sandboxId).state : dirname(containerFile(sandboxId, id));
  makeOnce(directory, id);
  const journal = journalOf(sandboxId, id);
  const mapping = join(mappingDirectory, id, sandboxId);
  try {
    for (const path of [dirname(mapping), mapping]) journal.record({ undo: 'rmdir', path, container: id });
    mkdirSync(mapping, { recursive: true, mode: 0o750 });
    return journal;
  } catch (error) {
    const explained = explainFullRun(error); // before the removal frees space
    removeStateDirectory(directory);
    forgetContainer(sandboxId, id);
    throw explained;
  }
}
