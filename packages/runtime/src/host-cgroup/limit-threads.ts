/** Limits the threads of QEMU (pids.rst, cgroup-v2.rst): a compromised QEMU must not exhaust the host's pids. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { joinCgroup } from './join-cgroup.ts';
import { QEMU_GROUP } from './group-names.ts';

/** vCPUs, I/O threads, and at most 64 workers for files and disks: 240 vCPUs leave room. */
const QEMU_THREADS = 1024;
/** In version 2 all processes are in the sandbox's cgroup. Each process of a container has a shim with eleven threads there. */
const SANDBOX_THREADS = 16_384;
const LIMIT = 'pids.max';
const NO_LIMIT = 'max';

interface ThreadGroup {
  readonly version: 1 | 2;
  /** The cgroup with the limit. */
  readonly directory: string;
}

/** undefined on a host without the controller. */
function groupIn(directories: readonly string[]): ThreadGroup | undefined {
  const directory = directories.find((path) => existsSync(join(path, LIMIT)));
  if (directory === undefined) return undefined;
  if (existsSync(join(directory, 'cgroup.controllers'))) return { version: 2, directory };
  return { version: 1, directory: join(directory, QEMU_GROUP) };
}

/** `directories`: the sandbox's cgroups. @throws Error when the kernel refuses a write, or without a controller */
export async function limitThreads(directories: readonly string[], pid: number): Promise<void> {
  const group = groupIn(directories);
  if (!group) throw new Error('the host has no pids cgroup');
  const { version, directory } = group;
  if (version === 2) return writeFileSync(join(directory, LIMIT), String(SANDBOX_THREADS));
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, LIMIT), String(QEMU_THREADS));
  await joinCgroup([directory], pid);
}

/** Whether QEMU's threads are limited in these cgroups. */
export function limitsThreads(directories: readonly string[]): boolean {
  const group = groupIn(directories);
  if (!group || !existsSync(group.directory)) return false;
  return readFileSync(join(group.directory, LIMIT), 'latin1').trim() !== NO_LIMIT;
}
