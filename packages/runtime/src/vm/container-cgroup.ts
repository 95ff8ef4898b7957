/** Where a container's processes are counted on the host: engines read the cgroup of its shim. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Bundle } from '../bundle/load-bundle.ts';
import { cgroupPath } from '../host-cgroup/cgroup-plan.ts';
import { limitThreads } from '../host-cgroup/limit-threads.ts';
import { joinCgroup, makeCgroup, readPlan } from '../host-cgroup/join-cgroup.ts';
import { containerEntries } from '../undo/container-journal.ts';
import type { Context, Tools } from '../context/context.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';

const UNCOUNTED = 'no cgroup on the host: engines cannot read the resource usage of the container';

/** Without its groups a container runs as well, so a host that does not let us is a warning. */
export function attempt({ log }: Pick<Tools, 'log'>, otherwise: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    log.warn(otherwise, { reason: errorMessage(error) });
  }
}

/** Makes the container's cgroups, empty. */
export function makeCgroupFor(context: Context, { id, bundle }: { id: string; bundle: Bundle }, journal: UndoJournal): void {
  attempt(context, UNCOUNTED, () => {
    const plan = readPlan(cgroupPath(bundle.spec.linux?.cgroupsPath, id));
    if (!plan) return;
    journal.record({ undo: 'remove-cgroup', container: id, directories: plan.directories });
    makeCgroup(plan);
  });
}

/** A container's groups, as its journal has them. */
export function directoriesOf(sandboxId: string, id: string): string[] {
  return containerEntries(sandboxId, id).flatMap((entry) => (entry.undo === 'remove-cgroup' ? entry.directories : []));
}

/** Joins those of a container: what is started from now on belongs to it. */
export function enterCgroupOf(context: Context, sandboxId: string, id: string): void {
  attempt(context, UNCOUNTED, () => joinCgroup(directoriesOf(sandboxId, id)));
}

/** Limits the threads of QEMU. */
export function limitThreadsOf(context: Context, sandboxId: string, pid: number): void {
  attempt(context, 'no limit for the threads of QEMU', () => limitThreads(directoriesOf(sandboxId, sandboxId), pid));
}

/** Moves processes of a cached VM to the cgroups of the sandbox' first container. */
export function moveIntoCgroupOf(context: Context, sandboxId: string, pids: readonly number[]): void {
  attempt(context, UNCOUNTED, () => {
    for (const pid of pids) joinCgroup(directoriesOf(sandboxId, sandboxId), pid);
  });
}
