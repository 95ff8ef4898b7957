/** A limit for the threads of QEMU (pids.rst, cgroup-v2.rst): a QEMU that a guest has taken over must not use up the host's pids. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QEMU_GROUP } from './group-names.ts';

/** vCPUs, I/O threads, and at most 64 workers for files and disks: 240 vCPUs leave room. */
const QEMU_THREADS = 1024;
/** Version 2 has processes in one group only: that of the sandbox. Each process that runs in a container has a shim of eleven threads there. */
const SANDBOX_THREADS = 16_384;

/** `directories`: those of the sandbox' groups. Without a controller there is no limit. @throws Error for what the kernel refuses */
export function limitThreads(directories: readonly string[], pid: number): void {
  const directory = directories.find((path) => existsSync(join(path, 'pids.max')));
  if (directory === undefined) return;
  if (existsSync(join(directory, 'cgroup.controllers'))) return writeFileSync(join(directory, 'pids.max'), String(SANDBOX_THREADS));
  const own = join(directory, QEMU_GROUP);
  mkdirSync(own, { recursive: true, mode: 0o755 });
  writeFileSync(join(own, 'pids.max'), String(QEMU_THREADS));
  writeFileSync(join(own, 'cgroup.procs'), String(pid));
}
