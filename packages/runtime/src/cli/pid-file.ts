import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

/**
 * Decimal, without a line feed, whole at once. Its appearance tells the engine that all is done: it must come last.
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
