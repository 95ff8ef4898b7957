/** Writes limits to existing cgroups. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cpusetPlan } from './cgroup-plan.ts';
import type { CpusetPlan } from './cgroup-plan.ts';
import type { CgroupWrite } from './vcpu-limits-plan.ts';

export interface CpuGroup {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** The sandbox's cgroup with the controller for CPU time; undefined without such a controller. */
export function cpuGroup(directories: readonly string[]): CpuGroup | undefined {
  for (const directory of directories) {
    if (existsSync(join(directory, 'cpu.shares'))) return { version: 1, directory };
    if (existsSync(join(directory, 'cpu.max'))) return { version: 2, directory };
  }
  return undefined;
}

/**
 * Searches each file in all directories, because version 1 has a hierarchy for each controller.
 * @throws Error when the kernel refuses a write
 */
export function writeLimits(directories: readonly string[], writes: readonly CgroupWrite[]): void {
  for (const [file, value] of writes) {
    const path = directories.map((directory) => join(directory, file)).find((candidate) => existsSync(candidate));
    if (path === undefined) throw new Error(`${file} does not exist in ${directories.join(', ')}`);
    writeFileSync(path, value);
  }
}

/** Creates the cgroup of the vCPUs and writes its limits. @throws Error when the kernel refuses a write */
export function limitVcpus({ directory }: CpuGroup, writes: readonly CgroupWrite[]): void {
  for (const [file, value] of writes) {
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, value);
  }
}

/** Values that a new cpuset of version 1 needs before it accepts processes. */
function inherit(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const path = join(directory, file);
    if (readFileSync(path, 'latin1').trim() === '') writeFileSync(path, readFileSync(join(dirname(directory), file), 'latin1').trim());
  }
}

/** The cgroup with the CPU set of the sandbox with this cgroup. */
export const readCpusetPlan = (group: CpuGroup, whole: boolean): CpusetPlan | undefined =>
  cpusetPlan(readFileSync('/proc/self/mountinfo', 'utf8'), group.directory, group.version, whole);

/**
 * Restricts threads, or the processes in the cgroup, to CPUs and memory nodes of the host; an empty list means all.
 * @throws Error when the kernel refuses a write
 */
export function limitToCpus(plan: CpusetPlan, { cpus, mems }: { cpus: string; mems: string }, threads: readonly number[]): void {
  for (const directory of plan.directories) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (plan.version === 1) inherit(directory);
  }
  for (const control of plan.controls) writeFileSync(control, '+cpuset');
  const last = plan.directories.at(-1) ?? '';
  const all = (file: string): string => (plan.version === 1 ? readFileSync(join(dirname(last), file), 'latin1').trim() : '\n');
  writeFileSync(join(last, 'cpuset.cpus'), cpus || all('cpuset.cpus'));
  writeFileSync(join(last, 'cpuset.mems'), mems || all('cpuset.mems'));
  if (plan.members === undefined) return;
  for (const thread of threads) writeFileSync(join(last, plan.members), String(thread));
}
