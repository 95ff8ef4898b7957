/** A container's use of resources, as StatsContainer tells it. Loaded when first asked for. */
import { readFileSync, readdirSync } from 'node:fs';
import type { CgroupStats } from '@kata-containers/common/generated/agent';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';
import { statsV1 } from './stats-v1.ts';
import { statsV2 } from './stats-v2.ts';

/** Reads one file of a group; empty when it is not there. */
export type ReadFile = (controller: string, name: string) => string;

export interface GroupFiles {
  readonly read: ReadFile;
  /** Page sizes that the hugetlb controller has files for, as they are spelled there: "2MB". */
  readonly pageSizes: readonly string[];
}

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
