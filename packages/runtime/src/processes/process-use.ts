/** Resource usage of the host's processes. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended
  }
}

/** Memory in bytes; shared pages are divided by the number of their users (PSS, proc(5)). */
export function memoryBytes(pid: number): bigint {
  const [, kibibytes = '0'] = /^Pss:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`)) ?? [];
  return BigInt(kibibytes) * 1024n;
}

/**
 * Bytes that a process has read from and written to disks of the host (proc_pid_io(5)): without what the page cache answers, and without tmpfs.
 * 0 on a kernel without CONFIG_TASK_IO_ACCOUNTING.
 */
export function diskBytes(pid: number): number {
  const counters = [...readOrEmpty(`/proc/${pid}/io`).matchAll(/^(?:read|write)_bytes: (\d+)$/gm)];
  return counters.reduce((total, [, bytes]) => total + Number(bytes), 0);
}

/** Command line of a process: arguments, each ended by a NUL. */
export const commandLineOf = (pid: number): string => readOrEmpty(`/proc/${pid}/cmdline`);

/** Path of a process's program, also of a replaced file; undefined when the process has ended. */
export function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** Undefined when the process has ended. */
export function parentOf(pid: number): number | undefined {
  const parent = /^PPid:\s+(\d+)$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Pids of the children of a process's main thread. */
export const childrenOf = (pid: number): number[] =>
  readOrEmpty(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

function pidNamespaceOf(pid: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Pids of all processes in the PID namespace of this process. */
export function processesBeside(pid: number): number[] {
  const namespace = pidNamespaceOf(pid);
  if (namespace === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((other) => pidNamespaceOf(other) === namespace).map(Number);
}
