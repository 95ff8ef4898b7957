/** Directories of /proc whose entries may vanish while they are read. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** What `read` returns for each entry of the directory, without the entries that vanish. @throws Error ENOENT: no directory */
export function readEntries<T>(directory: string, read: (path: string, name: string) => T): T[] {
  return readdirSync(directory).flatMap((name) => {
    try {
      return [read(`${directory}/${name}`, name)];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
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
