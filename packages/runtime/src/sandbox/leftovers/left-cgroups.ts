/** cgroups of containers that do not exist, without a process in them. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { directoriesIn } from '../../context/directories-in.ts';
import { sandboxPaths, sandboxesDirectory } from '../../context/paths.ts';
import { cgroupRoots } from '../../host-cgroup/cgroup-plan.ts';
import { removeCgroup } from '../../host-cgroup/remove-cgroup.ts';
import { readMountTable } from '../../mounts/mount-table.ts';
import { listContainers } from '../../state/state-store.ts';
import { allEntries } from '../../undo/container-journal.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';

const PREFIX = 'kata_';

/** The topmost groups with our prefix. */
function ownGroups(directory: string): string[] {
  const paths = directoriesIn(directory).map((name) => join(directory, name));
  return paths.flatMap((path) => (basename(path).startsWith(PREFIX) ? [path] : ownGroups(path)));
}

function isEmpty(directory: string): boolean {
  try {
    const isFree = ['cgroup.procs', 'tasks'].every((name) => readOrEmpty(join(directory, name)) === '');
    return isFree && directoriesIn(directory).every((name) => isEmpty(join(directory, name)));
  } catch {
    return false; // ENOTSUP: the processes of a threaded group
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''; // version 2 has no tasks
    throw error;
  }
}

/** A cgroup whose name contains the id of an existing sandbox or container belongs to it. */
export function leftCgroups(): Leftover[] {
  const groups = new Set(cgroupRoots(readMountTable()).flatMap(ownGroups)); // first: the sandbox of each cgroup exists until its cgroup is removed
  const sandboxes = directoriesIn(sandboxesDirectory);
  const ids = [...sandboxes.flatMap((id) => [id, ...directoriesIn(sandboxPaths(id).state)]), ...listContainers().map(({ id }) => id)];
  const entries = sandboxes.flatMap(allEntries);
  const known = new Set(entries.flatMap((entry) => (entry.undo === 'remove-cgroup' ? entry.directories : [])));
  const isLeft = (path: string): boolean => !known.has(path) && !ids.some((id) => basename(path).includes(id)) && isEmpty(path);
  return [...groups].filter(isLeft).map((path) => ({
    what: `cgroup ${path}`,
    why: 'its container does not exist',
    remove: () => failuresOf([() => removeCgroup([path])]),
  }));
}
