/** Explains the error of a `create` on a full /run: any step may fail, and the error of the step does not name the cause. */
import { statfsSync } from 'node:fs';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { MIN_FREE_MIB } from '../host-check/check-installation.ts';

const RUN = '/run';
const MIB = 1 << 20;
/** Directories, sockets and files of a sandbox, with a margin. */
const MIN_FREE_INODES = 64;
const NO_ROOM = /\bENOSPC\b|No space left on device/;

function isNoRoom(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++)
    if (errorCode(error) === 'ENOSPC' || NO_ROOM.test(error.message)) return true;
  return false;
}

export interface Room {
  readonly freeBytes: number;
  /** Inodes. */
  readonly freeFiles: number;
}

function roomInRun(): Room {
  const { bavail, bsize, ffree } = statfsSync(RUN);
  return { freeBytes: bavail * bsize, freeFiles: ffree };
}

/** Undefined when /run cannot be read: the caller has an error to report and a create to undo. */
function measure(room: () => Room): Room | undefined {
  try {
    return room();
  } catch {
    return undefined;
  }
}

/**
 * If /run is full, returns an error with the required space and a hint; otherwise returns `error`. To be called before files are removed.
 * With no free space at all, programs fail without a message, because their log is in /run.
 */
export function explainFullRun(error: unknown, room: () => Room = roomInRun): unknown {
  const found = measure(room);
  if (!found) return error;
  const { freeBytes, freeFiles } = found;
  const freeMib = Math.floor(freeBytes / MIB);
  const isFull = freeMib < MIN_FREE_MIB || freeFiles < MIN_FREE_INODES;
  if (!isFull || (!isNoRoom(error) && freeBytes > 0 && freeFiles > 0)) return error;
  const [left, needed] = freeFiles < MIN_FREE_INODES ? [`${freeFiles} inodes`, MIN_FREE_INODES] : [`${freeMib} MiB`, `${MIN_FREE_MIB} MiB`];
  const next = "'du -xh /run | sort -h | tail' shows what uses the space, 'kata-runtime kata-gc --dry-run' lists the leftovers of crashes";
  return new KataError(`${RUN} is full: ${left} are free, a sandbox needs ${needed}; ${next} (${errorMessage(error)})`, { cause: error });
}
