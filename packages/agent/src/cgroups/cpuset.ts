/**
 * Version 1's cpusets do not grow when CPUs are plugged: a group keeps those that were there when it was made. Version 2's
 * follow their parents by themselves.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CGROUP_ROOT } from '@kata-containers/common/cgroups/cgroup';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';

const ONLINE = '/sys/devices/system/cpu/online';

/** `directory` and those above it, below `top`: the outermost first, because a group may have no CPU that its parent lacks. */
export function pathsBelow(top: string, directory: string): string[] {
  const inside = relative(top, directory);
  if (inside === '' || inside.startsWith('..')) return [];
  return [...pathsBelow(top, dirname(directory)), directory];
}

/** Gives every group down to the container's all CPUs that are online. Best effort, as in 1.x: what fails stays as it is. */
export function widenCpuset(cgroup: Cgroup, top = join(CGROUP_ROOT, 'cpuset'), online = ONLINE): void {
  if (cgroup.version !== 1) return;
  const cpus = readFileSync(online, 'latin1').trim();
  for (const directory of pathsBelow(top, cgroup.directory('cpuset'))) {
    try {
      writeFileSync(join(directory, 'cpuset.cpus'), cpus);
    } catch {
      // gone with its container
    }
  }
}
