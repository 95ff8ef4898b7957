/** Removes cgroups and moves their remaining processes: a process of another program must not block the removal of a sandbox. */
import { existsSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';

/** An ended process leaves its cgroup a moment later. */
const BUSY_MS = 1000;
const RETRY_MS = 10;

function processesIn(directory: string): string[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** Moves processes to the parent cgroup; in version 2 it may refuse processes, and the next parent is tried, up to the root. */
function moveUp(pid: string, directory: string): void {
  for (let parent = dirname(directory); existsSync(join(parent, 'cgroup.procs')); parent = dirname(parent)) {
    try {
      return writeFileSync(join(parent, 'cgroup.procs'), pid);
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return; // ended
    }
  }
}

function groupsIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(directory, entry.name)] : []));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []; // removed already
    throw error;
  }
}

async function removeOne(directory: string, deadline: number): Promise<void> {
  for (const inner of groupsIn(directory)) await removeOne(inner, deadline);
  while (existsSync(directory)) {
    for (const pid of processesIn(directory)) moveUp(pid, directory);
    try {
      rmdirSync(directory);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      if (errorCode(error) !== 'EBUSY' || monotonicMs() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** Waits at most `leftMs` for all cgroups together. @throws Error when a cgroup could not be removed */
export async function removeCgroup(directories: readonly string[], leftMs = BUSY_MS): Promise<void> {
  const deadline = monotonicMs() + Math.min(BUSY_MS, leftMs);
  for (const directory of directories) await removeOne(directory, deadline);
}
