/** The host's cgroups for a container's processes: engines read the statistics of the shim's cgroup. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Bundle } from '../bundle/load-bundle.ts';
import { cgroupPath } from '../host-cgroup/cgroup-plan.ts';
import { limitThreads } from '../host-cgroup/limit-threads.ts';
import { joinCgroup, makeCgroup, readPlan } from '../host-cgroup/join-cgroup.ts';
import { containerEntries } from '../undo/container-journal.ts';
import type { Context, Tools } from '../context/context.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';

const UNCOUNTED = 'no cgroup on the host: engines cannot read the resource usage of the container';

/** A container works without its cgroups, so a failure is a warning. */
export function attempt({ log }: Pick<Tools, 'log'>, otherwise: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    log.warn(otherwise, { reason: errorMessage(error) });
  }
}

/** Creates the container's empty cgroups. */
export function makeCgroupFor(context: Context, { id, bundle }: { id: string; bundle: Bundle }, journal: UndoJournal): void {
  attempt(context, UNCOUNTED, () => {
    const plan = readPlan(cgroupPath(bundle.spec.linux?.cgroupsPath, id));
    if (!plan) return;
    journal.record({ undo: 'remove-cgroup', container: id, directories: plan.directories });
    makeCgroup(plan);
  });
}

/** A container's cgroups, from its journal. */
export function directoriesOf(sandboxId: string, id: string): string[] {
  return containerEntries(sandboxId, id).flatMap((entry) => (entry.undo === 'remove-cgroup' ? entry.directories : []));
}

/** Moves this process to a container's cgroups, in which its children then start. */
export function enterCgroupOf(context: Context, sandboxId: string, id: string): void {
  attempt(context, UNCOUNTED, () => joinCgroup(directoriesOf(sandboxId, id)));
}

/** Limits the threads of QEMU, in the cgroups of a container. */
export function limitThreadsOf(context: Pick<Tools, 'log'>, { sandboxId, id }: ContainerPlace, pid: number): void {
  attempt(context, 'no limit for the threads of QEMU', () => limitThreads(directoriesOf(sandboxId, id), pid));
}

/** Moves processes of a VM to the cgroups of a container. */
export function moveIntoCgroupOf(context: Pick<Tools, 'log'>, { sandboxId, id }: ContainerPlace, pids: readonly number[]): void {
  attempt(context, UNCOUNTED, () => {
    for (const pid of pids) joinCgroup(directoriesOf(sandboxId, id), pid);
  });
}
