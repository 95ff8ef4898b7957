/** Free space of file systems. An administrator may mount a file system at any of the runtime's directories. */
import { realpathSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

const MIB = 1 << 20;
/** State, sockets and logs of a sandbox take less than 2 MiB in /run. */
const MIN_FREE_MIB = 16;
/** Directories, sockets and files of a sandbox, with a margin. */
const MIN_FREE_INODES = 64;

export interface Room {
  readonly mountPoint: string;
  /** Infinity without a limit. */
  readonly freeBytes: number;
  /** Inodes; Infinity without a limit. */
  readonly freeFiles: number;
}

function existingAncestor(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : existingAncestor(dirname(path));
}

/** A bind mount in the same file system is not a mount point here. */
function mountPointOf(path: string): string {
  const parent = dirname(path);
  return parent === path || statSync(parent).dev !== statSync(path).dev ? path : mountPointOf(parent);
}

/**
 * The file system of `path`, or of its first existing parent. statfs(2) reports no blocks or no inodes for a file system without a limit:
 * a tmpfs with size=0 or nr_inodes=0, cgroupfs, btrfs. @throws if the path cannot be examined
 */
export function roomAt(path: string): Room {
  const mountPoint = mountPointOf(existingAncestor(path));
  const { blocks, bavail, bsize, files, ffree } = statfsSync(mountPoint);
  return { mountPoint, freeBytes: blocks === 0 ? Infinity : bavail * bsize, freeFiles: files === 0 ? Infinity : ffree };
}

export const isRunOut = ({ freeBytes, freeFiles }: Room): boolean => freeBytes === 0 || freeFiles === 0;

/** The free part of what a sandbox needs and a file system does not have, or undefined. */
export function shortageOf({ freeBytes, freeFiles }: Room): { readonly free: string; readonly needed: string } | undefined {
  if (freeFiles < MIN_FREE_INODES) return { free: `${freeFiles} inodes`, needed: String(MIN_FREE_INODES) };
  const freeMib = Math.floor(freeBytes / MIB);
  return freeMib < MIN_FREE_MIB ? { free: `${freeMib} MiB`, needed: `${MIN_FREE_MIB} MiB` } : undefined;
}

/** Command that shows what uses the space of a file system. */
export const usageCommand = (mountPoint: string): string => `du -xh ${mountPoint} | sort -h | tail`;
