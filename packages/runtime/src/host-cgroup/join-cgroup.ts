/** Creates cgroups, and moves processes to them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { planCgroup } from './cgroup-plan.ts';
import type { CgroupPlan } from './cgroup-plan.ts';

const PROCESSES = 'cgroup.procs';
/** `0` is the process that writes. */
const SELF = 0;

/** In version 2 a cgroup has only the controllers that its parents enable. Some may fail, so each is enabled separately. */
function handDown(root: string, directory: string): void {
  const parents = relative(root, dirname(directory)).split('/').filter(Boolean);
  for (let depth = 0; depth <= parents.length; depth++) {
    const control = join(root, ...parents.slice(0, depth), 'cgroup.subtree_control');
    for (const controller of ['cpu', 'cpuset', 'memory', 'pids', 'io']) {
      try {
        writeFileSync(control, `+${controller}`);
      } catch {
        // the host does not have the controller, or does not delegate it
      }
    }
  }
}

export const readPlan = (path: string): CgroupPlan | undefined => planCgroup(readFileSync('/proc/self/mountinfo', 'utf8'), path);

/** @throws Error when a cgroup cannot be created */
export function makeCgroup({ version, roots, directories }: CgroupPlan): void {
  for (const [index, directory] of directories.entries()) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (version === 2) handDown(roots[index] ?? '', directory);
  }
}

/**
 * Moves a process to cgroups. Nothing happens to a process that has ended. The kernel moves a process after an RCU grace period, about ten
 * milliseconds in which other work can be done.
 * @throws Error when a cgroup does not exist or refuses the process
 */
export async function joinCgroup(directories: readonly string[], pid = SELF): Promise<void> {
  for (const directory of directories)
    await writeFile(join(directory, PROCESSES), String(pid)).catch((error: unknown) => {
      if (errorCode(error) !== 'ESRCH') throw error;
    });
}
