/** The cgroups of a process (cgroups(7)): one directory for each controller in version 1, a single directory in version 2. */
import { readFileSync } from 'node:fs';

export const CGROUP_ROOT = '/sys/fs/cgroup';

export interface Cgroup {
  readonly version: 1 | 2;
  /** Directory of one controller, or of the only cgroup. */
  directory(controller: string): string;
}

/** Parses the text of /proc/PID/cgroup. Pure. */
export function parseCgroup(text: string, root = CGROUP_ROOT): Cgroup {
  const rows = text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers, path }];
  });
  const [only] = rows;
  // A host may have an empty version 2 hierarchy beside those of version 1.
  if (rows.length === 1 && only?.controllers === '') return { version: 2, directory: () => `${root}${only.path}` };
  const paths = new Map(rows.flatMap(({ controllers, path }) => controllers.split(',').map((name) => [name, path] as const)));
  return { version: 1, directory: (controller) => `${root}/${controller}${paths.get(controller) ?? '/'}` };
}

/** `self` works in a PID namespace with its parent's /proc, too. @throws Error when the process has ended */
export function cgroupOf(pid: number | 'self'): Cgroup {
  return parseCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
}

/** Pids in the cgroup; empty when the cgroup was removed. */
export function cgroupProcesses(cgroup: Cgroup): number[] {
  try {
    const list = readFileSync(`${cgroup.directory('pids')}/cgroup.procs`, 'latin1');
    return list.split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Number of processes and threads, also in nested cgroups (pids.rst, "pids.current"); NaN when it cannot be read. */
export function countTasks(cgroup: Cgroup): number {
  try {
    return Number(readFileSync(`${cgroup.directory('pids')}/pids.current`, 'latin1'));
  } catch {
    return Number.NaN;
  }
}
