/** Files of /proc, which may vanish while they are read: their process ends, or closes the fd. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

/** A file of /proc that does not exist, or one that was open when its process ended. */
const hasVanished = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '');

/** Text of /proc/PID/FILE; empty when the process has ended. */
export function readProcess(pid: number | string | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    if (!hasVanished(error)) throw error;
    return '';
  }
}

/** A zombie has ended. */
export const hasEnded = (pid: number): boolean => /^$|\) [ZX] /.test(readProcess(pid, 'stat'));

/** Pids of all other processes. */
export const otherPids = (): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);

/** Pids of the other processes whose command line matches; a space is between its arguments. */
export const processesWith = (pattern: RegExp): number[] =>
  otherPids().filter((pid) => pattern.test(readProcess(pid, 'cmdline').replaceAll('\0', ' ')));

/** @throws Error when no other process has a command line that matches */
export function processWith(pattern: RegExp): number {
  const [pid] = processesWith(pattern);
  if (pid === undefined) throw new Error(`no process matches ${pattern}`);
  return pid;
}

/** What `read` returns for each entry of the directory, without the entries that vanish. @throws Error ENOENT: no directory */
export function readEntries<T>(directory: string, read: (path: string, name: string) => T): T[] {
  return readdirSync(directory).flatMap((name) => {
    try {
      return [read(`${directory}/${name}`, name)];
    } catch (error) {
      if (!hasVanished(error)) throw error;
      return [];
    }
  });
}

/** An open file of a process. */
export interface OpenFile {
  readonly fd: string;
  /** Target of the link in /proc/PID/fd, such as `/dev/null` or `anon_inode:[eventfd]`. */
  readonly path: string;
  /** Flags of open(2), and the access mode. */
  readonly flags: number;
  /** Text of /proc/PID/fdinfo/FD. */
  readonly info: string;
}

/** Open files of a process. @throws Error ENOENT: the process has ended */
export const openFiles = (pid: number): OpenFile[] =>
  readEntries(`/proc/${pid}/fd`, (link, fd) => {
    const path = readlinkSync(link);
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(info) ?? [];
    return { fd, path, flags: Number.parseInt(flags, 8), info };
  });
