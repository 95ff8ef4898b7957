import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

/**
 * Locks a directory by flock(2) without waiting.
 * @returns a function that unlocks it; undefined if another process holds the lock, or the directory was removed
 */
export function lockDirectory(kernel: Pick<Kernel, 'tryLock'>, directory: string, kind: 'shared' | 'exclusive'): (() => void) | undefined {
  let fd: number;
  try {
    fd = openSync(directory, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const isOurs = kernel.tryLock(fd, kind) && fstatSync(fd).ino === statSync(directory, { throwIfNoEntry: false })?.ino;
  if (isOurs) return () => closeSync(fd);
  closeSync(fd);
  return undefined;
}
