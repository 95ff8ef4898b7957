/**
 * Shares without a sandbox or a VM. The runtime creates only mounts and empty files there. Files of users are behind mounts and are never
 * removed.
 */
import { existsSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Tools } from '../../context/context.ts';
import { directoriesIn } from '../../context/directories-in.ts';
import { sandboxPaths, sharesDirectory } from '../../context/paths.ts';
import { mountPointsBelow, readMountTable } from '../../mounts/mount-table.ts';
import { unmountTree } from '../../mounts/unmount-tree.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';

/**
 * Removes directories, and the empty files that files were mounted over, without leaving the file system of the share.
 * @throws KataError for any other file, which is kept with its parent directories
 */
export function removeEmptyTree(path: string, device = lstatSync(path).dev): void {
  const found = lstatSync(path);
  if (found.dev !== device) throw new KataError(`${path} is on another file system`);
  if (!found.isDirectory()) {
    if (!found.isFile() || found.size > 0) throw new KataError(`${path} is not an empty file: it belongs to a user`);
    return unlinkSync(path);
  }
  for (const name of readdirSync(path)) removeEmptyTree(join(path, name), device);
  rmdirSync(path);
}

function removeShare(share: string, { kernel }: Tools): void {
  try {
    unmountTree(share, kernel);
  } catch (error) {
    throw errorCode(error) === 'EBUSY' ? new KataError(`a mount below ${share} is in use`, { cause: error }) : error;
  }
  const [mounted] = mountPointsBelow(share, readMountTable());
  if (mounted !== undefined) throw new KataError(`${mounted} is a mount point`);
  removeEmptyTree(share);
}

export function leftShares(tools: Tools): Leftover[] {
  const isLeft = (id: string): boolean => [sandboxPaths(id).state, sandboxPaths(id).vm].every((path) => !existsSync(path));
  const remove =
    (id: string): (() => Promise<string[]>) =>
    () =>
      failuresOf([() => removeShare(sandboxPaths(id).share, tools)]);
  const ids = directoriesIn(sharesDirectory).filter(isLeft);
  return ids.map((id) => ({ what: `share ${sandboxPaths(id).share}`, why: 'its sandbox does not exist', remove: remove(id) }));
}
