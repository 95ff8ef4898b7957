/** How many processes of a cgroup were OOM-killed, by the limit of the cgroup or for lack of memory on the machine. */
import { readFileSync } from 'node:fs';
import type { Cgroup } from './cgroup.ts';

/** Version 1 has the count in a file of its own (memory.rst, "OOM Control"), version 2 among the group's events (cgroup-v2.rst). */
const file = { 1: 'memory.oom_control', 2: 'memory.events' } as const;

/** 0 when the group is gone, or has no memory controller. */
export function oomKills(cgroup: Cgroup): number {
  try {
    const text = readFileSync(`${cgroup.directory('memory')}/${file[cgroup.version]}`, 'latin1');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
