import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

/**
 * Writes the pid atomically, in decimal, without a line feed. The file tells the engine that the container is ready, so it must be written last.
 * @throws KataError when it cannot be written
 */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, String(pid), { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new KataError(`pid file ${path} cannot be written (${errorCode(error) ?? 'unknown'})`);
  }
}
