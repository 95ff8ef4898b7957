/** Number of OOM-killed processes of a cgroup, because of its limit or because the machine is out of memory. */
import { existsSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Cgroup } from './cgroup.ts';

/** Version 1 has the count in memory.oom_control (memory.rst, "OOM Control"), version 2 in memory.events (cgroup-v2.rst). */
const names = { 1: 'memory.oom_control', 2: 'memory.events' } as const;
/** Longest of them. */
const MAX_BYTES = 4096;

/** The file with the count. */
export const oomKillsFile = (cgroup: Cgroup): string => `${cgroup.directory('memory')}/${names[cgroup.version]}`;

/** The file with the count in one of the directories of a container's cgroups; undefined when none has a memory controller. */
export const oomKillsFileIn = (directories: readonly string[]): string | undefined =>
  directories.flatMap((directory) => Object.values(names).map((name) => `${directory}/${name}`)).find((path) => existsSync(path));

const countIn = (text: string): number => Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);

/** 0 when the cgroup was removed, or has no memory controller. */
export function oomKills(cgroup: Cgroup): number {
  try {
    return countIn(readFileSync(oomKillsFile(cgroup), 'latin1'));
  } catch {
    return 0;
  }
}

/** `oomKills` for a process that will lose access to all paths: opens the file with the count now, and reads it with each call. */
export function openOomKills(path: string): () => number {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return () => 0;
  }
  return () => {
    try {
      const bytes = Buffer.alloc(MAX_BYTES);
      return countIn(bytes.toString('latin1', 0, readSync(file, bytes, 0, MAX_BYTES, 0)));
    } catch {
      return 0;
    }
  };
}
