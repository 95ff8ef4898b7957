/** VMs without a sandbox: their QEMU, and their directories in /run/vc/vm. */
import { existsSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Tools } from '../../context/context.ts';
import { directoriesIn } from '../../context/directories-in.ts';
import { sandboxPaths, sandboxesDirectory, vmFiles, vmsDirectory } from '../../context/paths.ts';
import { cachedVmPaths, isCachedVm } from '../../factory/cache/cached-vm.ts';
import { mountPointsBelow, readMountTable } from '../../mounts/mount-table.ts';
import { endProcess } from '../../processes/end-process.ts';
import { hostProcesses } from '../../processes/host-processes.ts';
import { allEntries } from '../../undo/container-journal.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import type { Undo } from '../../undo/undo-journal.ts';
import { undoAll } from '../../undo/undo.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';
import { cacheIsUsed } from './sandbox-users.ts';
import { vmProcesses } from './vm-processes.ts';

const cachedEntries = (id: string): Undo[] => new UndoJournal(cachedVmPaths(id).journal).entries();
const hasSandbox = (id: string): boolean => existsSync(sandboxPaths(id).state);

/** Pids of the QEMUs in journals. The command line of a VM from the cache has another name than its sandbox. */
function journalledQemus(): Set<number> {
  // The journals of the cache first: a VM that is handed over meanwhile is in the sandbox's journal afterwards.
  const cached = directoriesIn(vmsDirectory).filter(isCachedVm).flatMap(cachedEntries);
  const entries = [...cached, ...directoriesIn(sandboxesDirectory).flatMap(allEntries)];
  return new Set(entries.flatMap((entry) => (entry.undo === 'kill' && entry.name === 'qemu' ? [entry.process.pid] : [])));
}

export function leftQemus(): Leftover[] {
  const processes = hostProcesses(); // first: each QEMU that is found has, or had, a sandbox
  if (cacheIsUsed(processes)) return []; // a VM that is being started is not in a journal yet
  const known = journalledQemus();
  const strays = vmProcesses(processes).filter(({ id, identity }) => !hasSandbox(id) && !known.has(identity.pid));
  return strays.map(({ id, identity }) => ({
    what: `QEMU (pid ${identity.pid}) of ${id}`,
    why: 'its sandbox does not exist',
    remove: () => failuresOf([() => endProcess(identity, 0)]),
  }));
}

/** Keeps files that other programs have created, and their directory. @throws Error, KataError */
function removeVmDirectory(directory: string): void {
  for (const name of vmFiles)
    try {
      unlinkSync(join(directory, name));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  try {
    rmdirSync(directory);
  } catch (error) {
    throw errorCode(error) === 'ENOTEMPTY' ? new KataError(`${directory} holds files that are not a VM's`) : error;
  }
}

function leftVm(tools: Tools, id: string): Leftover {
  const { vm, journal } = cachedVmPaths(id);
  if (isCachedVm(id) && existsSync(journal))
    return {
      what: `VM ${id} of the cache`,
      why: 'the server of the VM cache has ended',
      remove: () => undoAll(cachedEntries(id), tools.kernel),
    };
  return { what: `directory ${vm}`, why: 'its sandbox does not exist', remove: () => failuresOf([() => removeVmDirectory(vm)]) };
}

/**
 * The default directory of templates. Its tmpfs may be mounted in the mount namespace of an engine only, and a removal here would unmount
 * it there (rmdir(2) of a mount point of another mount namespace).
 */
const TEMPLATES = 'template';

/** Directories with a mount are skipped. */
export function leftVmDirectories(tools: Tools): Leftover[] {
  const ids = directoriesIn(vmsDirectory);
  const processes = hostProcesses();
  if (cacheIsUsed(processes)) return [];
  const [table, running] = [readMountTable(), new Set(vmProcesses(processes).map(({ id }) => id))];
  const isLeft = (id: string): boolean =>
    id !== TEMPLATES &&
    !hasSandbox(id) &&
    mountPointsBelow(join(vmsDirectory, id), table).length === 0 &&
    (isCachedVm(id) || !running.has(id));
  return ids.filter(isLeft).map((id) => leftVm(tools, id));
}
