/** Reads /etc/hosts and /etc/resolv.conf of a container, which a user may have replaced by any file. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** The files have a few lines. */
const MAX_BYTES = 64 << 10;

/** @returns undefined for a file that is missing, too long, or not a regular file: opening a FIFO without O_NONBLOCK would wait */
export function readNameFile(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const kind = fstatSync(fd);
      return kind.isFile() && kind.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // only a hint: whatever needs the file reports the error
  }
}
