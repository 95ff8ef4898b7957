/** A container's resource usage, as StatsContainer reports it. Loaded by the first call. */
import { readFileSync, readdirSync } from 'node:fs';
import type { CgroupStats } from '@kata-containers/common/generated/agent';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';
import type { GroupFiles } from './group-files.ts';
import { statsV1 } from './stats-v1.ts';
import { statsV2 } from './stats-v2.ts';

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function pageSizes(directory: string): string[] {
  try {
    return [...new Set(readdirSync(directory).flatMap((name) => /^hugetlb\.(\d+[KMG]B)\./.exec(name)?.[1] ?? []))];
  } catch {
    return [];
  }
}

export function readStats(cgroup: Cgroup): CgroupStats {
  const files: GroupFiles = {
    read: (controller, name) => readOrEmpty(`${cgroup.directory(controller)}/${name}`),
    pageSizes: pageSizes(cgroup.directory('hugetlb')),
  };
  return cgroup.version === 1 ? statsV1(files) : statsV2(files);
}
