/** Limits the threads of QEMU (pids.rst, cgroup-v2.rst): a compromised QEMU must not exhaust the host's pids. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QEMU_GROUP } from './group-names.ts';

/** vCPUs, I/O threads, and at most 64 workers for files and disks: 240 vCPUs leave room. */
const QEMU_THREADS = 1024;
/** In version 2 all processes are in the sandbox's cgroup. Each process of a container has a shim with eleven threads there. */
const SANDBOX_THREADS = 16_384;

/** `directories`: the sandbox's cgroups. Without a controller there is no limit. @throws Error when the kernel refuses a write */
export function limitThreads(directories: readonly string[], pid: number): void {
  const directory = directories.find((path) => existsSync(join(path, 'pids.max')));
  if (directory === undefined) return;
  if (existsSync(join(directory, 'cgroup.controllers'))) return writeFileSync(join(directory, 'pids.max'), String(SANDBOX_THREADS));
  const own = join(directory, QEMU_GROUP);
  mkdirSync(own, { recursive: true, mode: 0o755 });
  writeFileSync(join(own, 'pids.max'), String(QEMU_THREADS));
  writeFileSync(join(own, 'cgroup.procs'), String(pid));
}
