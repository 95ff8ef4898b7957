/**
 * Version 1's cpusets do not grow when CPUs are hot-plugged: a cgroup keeps the CPUs that existed when it was created. Version 2's
 * follow their parents.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CGROUP_ROOT } from '@kata-containers/common/cgroups/cgroup';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';

const ONLINE = '/sys/devices/system/cpu/online';

/** `directory` and its parents below `top`, the outermost first: a cgroup can only have CPUs that its parent has. */
export function pathsBelow(top: string, directory: string): string[] {
  const inside = relative(top, directory);
  if (inside === '' || inside.startsWith('..')) return [];
  return [...pathsBelow(top, dirname(directory)), directory];
}

/** Gives every cgroup down to the container's all online CPUs. Best effort, as in 1.x: a cgroup whose file cannot be written keeps its CPUs. */
export function widenCpuset(cgroup: Cgroup, top = join(CGROUP_ROOT, 'cpuset'), online = ONLINE): void {
  if (cgroup.version !== 1) return;
  const cpus = readFileSync(online, 'latin1').trim();
  for (const directory of pathsBelow(top, cgroup.directory('cpuset'))) {
    try {
      writeFileSync(join(directory, 'cpuset.cpus'), cpus);
    } catch {
      // removed with its container
    }
  }
}
