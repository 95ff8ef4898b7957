/** Applies the containers' limits on the host: to the VM's vCPUs, or to the whole sandbox. */
import { existsSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { BlockIo } from '@kata-containers/common/oci/spec';
import { join } from 'node:path';
import { hasWeights, throttleWrites, weightWrites } from '../host-cgroup/block-io-plan.ts';
import { cpuGroup, limitToCpus, limitVcpus, readCpusetPlan, writeLimits } from '../host-cgroup/limit-cgroup.ts';
import { vcpuLimitWrites, wholeLimitWrites } from '../host-cgroup/vcpu-limits-plan.ts';
import { hostLimits } from '../sizing/limits-plan.ts';
import type { HostLimits, Limits } from '../sizing/limits-plan.ts';
import type { Tools } from '../context/context.ts';
import { attempt, directoriesOf } from '../vm/container-cgroup.ts';
import { sandboxPaths } from '../context/paths.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';
import { UndoJournal } from '../undo/undo-journal.ts';

interface Limited {
  /** The threads that run the VM's vCPUs. */
  readonly threads: readonly number[];
  /** True when the sandbox is limited as a whole. */
  readonly whole: boolean;
}

function limitCpus(sandboxId: string, directories: readonly string[], limits: HostLimits, { threads, whole }: Limited): void {
  const group = cpuGroup(directories);
  const plan = group && readCpusetPlan(group, whole);
  if (!group || !plan) {
    if (limits.cpus === '' && limits.mems === '') return;
    throw new Error('the host has no cpuset cgroup');
  }
  const made = plan.directories.at(-1) ?? '';
  const isSet = existsSync(join(made, 'cpuset.cpus'));
  if (!isSet && limits.cpus === '' && limits.mems === '') return;
  if (!isSet && plan.version === 1) new UndoJournal(sandboxPaths(sandboxId).journal).record({ undo: 'remove-cgroup', directories: [made] });
  limitToCpus(plan, limits, threads);
}

/** A failure is a warning: the guest applies the limits, too. */
export function limitOnHost(context: Tools, { sandboxId, id }: ContainerPlace, all: readonly Limits[], limited: Limited): void {
  const limits = hostLimits(all);
  const directories = directoriesOf(sandboxId, id);
  attempt(context, 'the limits of the containers are not applied to their VM on the host', () => {
    const group = cpuGroup(directories);
    if (group && !limited.whole) limitVcpus(group, vcpuLimitWrites(group.version, limits, limited.threads));
    limitCpus(sandboxId, directories, limits, limited);
  });
}

/** For `sandbox_cgroup_only`. To be called before the VM's processes are in the cgroups: memory in use may exceed a limit. */
export function limitWhole(context: Tools, { sandboxId, id }: ContainerPlace, limits: Limits): void {
  const directories = directoriesOf(sandboxId, id);
  attempt(context, 'the limits of the container are not applied to its sandbox on the host', () => {
    const group = cpuGroup(directories);
    if (group) writeLimits(directories, wholeLimitWrites(group.version, hostLimits([limits]), limits.memoryBytes));
  });
}

const PART_OF_POD = 'limits of block I/O have no effect on a container of a pod: the QEMU of the pod reads and writes for all';

/**
 * Applies the container's block I/O limits to the sandbox's QEMU. To be called before QEMU is started.
 * @throws KataError for a rate that the host refuses; a weight without an I/O scheduler on the host is a warning
 */
export function limitBlockIo(context: Tools, { sandboxId, id }: ContainerPlace, blockIo: BlockIo = {}): void {
  const directories = directoriesOf(sandboxId, id);
  const version = directories.some((directory) => existsSync(join(directory, 'cgroup.controllers'))) ? 2 : 1;
  const rates = throttleWrites(version, blockIo);
  if (!isFirstContainer(sandboxId, id)) {
    if (rates.length > 0 || hasWeights(blockIo)) context.log.warn(PART_OF_POD);
    return;
  }
  try {
    writeLimits(directories, rates);
  } catch (error) {
    context.log.debug('a limit of block I/O is refused', { reason: errorMessage(error) });
    throw new KataError('linux.resources.blockIO: the host refused the limit; are the devices whole disks of the host?', { cause: error });
  }
  if (hasWeights(blockIo))
    attempt(context, 'a weight of block I/O has no effect on this host', () => writeLimits(directories, weightWrites(version, blockIo)));
}
