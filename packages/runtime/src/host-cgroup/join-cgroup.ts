/**
 * Moves the runtime itself into cgroups: its children, QEMU, proxy and shim, are created in them and
 * accounted from their first page on.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
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

/** @throws Error when a cgroup does not exist or refuses the process */
export function joinCgroup(directories: readonly string[], pid = SELF): void {
  for (const directory of directories) writeFileSync(join(directory, PROCESSES), String(pid));
}
