/** A create that finds no room below /run fails in any of its steps, and none of them knows what the room is for. */
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

/**
 * The error with the bound and the next step if /run is full; every other error as it is. To be called before anything is removed. Where
 * nothing at all is free, programs fail without saying why: their log is in /run.
 */
export function explainFullRun(error: unknown, room: () => Room = roomInRun): unknown {
  const { freeBytes, freeFiles } = room();
  const freeMib = Math.floor(freeBytes / MIB);
  const isFull = freeMib < MIN_FREE_MIB || freeFiles < MIN_FREE_INODES;
  if (!isFull || (!isNoRoom(error) && freeBytes > 0 && freeFiles > 0)) return error;
  const [found, needed] =
    freeFiles < MIN_FREE_INODES ? [`${freeFiles} inodes`, MIN_FREE_INODES] : [`${freeMib} MiB`, `${MIN_FREE_MIB} MiB`];
  const next = "'du -xh /run | sort -h | tail' shows what uses the space, 'kata-runtime kata-gc --dry-run' lists the leftovers of crashes";
  return new KataError(`${RUN} is full: ${found} are free, a sandbox needs ${needed}; ${next} (${errorMessage(error)})`, { cause: error });
}
