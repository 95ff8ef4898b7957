/** The host's cgroups for a container's processes: engines read the statistics of the shim's cgroup. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Spec } from '@kata-containers/common/oci/spec';
import type { Bundle } from '../bundle/load-bundle.ts';
import { applyPartLater } from '../configuration/confinement-parts.ts';
import { cgroupPath } from '../host-cgroup/cgroup-plan.ts';
import { blockDevice, qemuDevices } from '../host-cgroup/device-rules.ts';
import { limitDevices, limitsDevices, withDevice } from '../host-cgroup/limit-devices.ts';
import { limitThreads, limitsThreads } from '../host-cgroup/limit-threads.ts';
import { joinCgroup, makeCgroup, readPlan } from '../host-cgroup/join-cgroup.ts';
import { surviveOomKiller } from '../processes/oom-score.ts';
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

/** CRI-O reads statistics in the cgroup that it names. Other engines read the cgroup of the container's process. */
const readsNamedCgroup = ({ annotations }: Spec): boolean => annotations?.['io.container.manager'] === 'cri-o';

/** Creates the container's empty cgroups. */
export function makeCgroupFor(context: Context, { id, bundle }: { id: string; bundle: Bundle }, journal: UndoJournal): void {
  attempt(context, UNCOUNTED, () => {
    const plan = readPlan(cgroupPath(bundle.spec.linux?.cgroupsPath, { id, isExact: readsNamedCgroup(bundle.spec) }));
    if (!plan) return;
    journal.record({ undo: 'remove-cgroup', container: id, directories: plan.directories });
    makeCgroup(plan);
  });
}

/** A container's cgroups, from its journal. */
export function directoriesOf(sandboxId: string, id: string): string[] {
  return containerEntries(sandboxId, id).flatMap((entry) => (entry.undo === 'remove-cgroup' ? entry.directories : []));
}

async function joinOrWarn({ log }: Pick<Tools, 'log'>, directories: readonly string[], pids?: readonly number[]): Promise<void> {
  try {
    for (const pid of pids ?? [undefined]) await joinCgroup(directories, pid);
  } catch (error) {
    log.warn(UNCOUNTED, { reason: errorMessage(error) });
  }
}

/** The cgroups that this process enters, or has entered. */
let entered: { readonly directories: readonly string[]; readonly done: Promise<void> } | undefined;

const isEntered = (directories: readonly string[]): boolean => entered?.directories.join() === directories.join();

/** Moves this process to a container's cgroups, once. Children that it starts after that start in them, and are accounted from their first page on. */
export function enterCgroupOf(context: Pick<Tools, 'log'>, { sandboxId, id }: ContainerPlace): Promise<void> {
  const directories = directoriesOf(sandboxId, id);
  if (entered && isEntered(directories)) return entered.done;
  surviveOomKiller(context.log);
  const done = joinOrWarn(context, directories);
  entered = { directories, done };
  return done;
}

/** Moves children of this process to a container's cgroups, unless they have started there. */
export async function moveChildrenIntoCgroupOf(
  context: Pick<Tools, 'log'>,
  { sandboxId, id }: ContainerPlace,
  pids: readonly number[],
): Promise<void> {
  const directories = directoriesOf(sandboxId, id);
  if (!isEntered(directories)) await joinOrWarn(context, directories, pids);
}

/** Limits the threads of QEMU, in the cgroups of a container. @throws KataError when the host does not support the limit */
export const limitThreadsOf = ({ sandboxId, id }: ContainerPlace, pid: number): Promise<void> =>
  applyPartLater('threads', () => limitThreads(directoriesOf(sandboxId, id), pid));

/** Whether QEMU's threads are limited in the cgroups of a container. */
export const limitsThreadsOf = ({ sandboxId, id }: ContainerPlace): boolean => limitsThreads(directoriesOf(sandboxId, id));

export interface LimitedQemu {
  readonly pid: number;
  /** QEMU serves the share by 9p. */
  readonly is9p: boolean;
}

/**
 * Restricts QEMU to the devices that it uses, in the cgroups of a container.
 * @throws KataError when the host does not support the restriction
 */
export const limitDevicesOf = (
  { kernel }: Pick<Tools, 'kernel'>,
  { sandboxId, id }: ContainerPlace,
  { pid, is9p }: LimitedQemu,
): Promise<void> =>
  applyPartLater('devices', () =>
    limitDevices({ directories: directoriesOf(sandboxId, id), pid, rules: qemuDevices({ makesNodes: is9p }) }, kernel),
  );

/** Whether QEMU's devices are limited in the cgroups of a container. */
export const limitsDevicesOf = ({ sandboxId, id }: ContainerPlace): boolean => limitsDevices(directoriesOf(sandboxId, id));

/** Runs `act`, during which QEMU may also open a block device, if its devices are limited. @throws Error of `act`, or of the kernel */
export function withBlockDevice<T>(
  kernel: Kernel,
  { sandboxId, id, is9p }: ContainerPlace & Pick<LimitedQemu, 'is9p'>,
  device: DeviceNumber,
  act: () => Promise<T>,
): Promise<T> {
  const directories = directoriesOf(sandboxId, id);
  return withDevice({ directories, rules: qemuDevices({ makesNodes: is9p }), extra: blockDevice(device) }, kernel, act);
}

/** Moves processes of a VM to the cgroups of a container. */
export const moveIntoCgroupOf = (context: Pick<Tools, 'log'>, { sandboxId, id }: ContainerPlace, pids: readonly number[]): Promise<void> =>
  joinOrWarn(context, directoriesOf(sandboxId, id), pids);
