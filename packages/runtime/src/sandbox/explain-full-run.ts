/** Explains the error of a `create` on a full file system: any step may fail, and the error of the step does not name the cause. */
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { runtimeDirectories } from '../context/paths.ts';
import { isRunOut, roomAt, shortageOf, usageCommand } from '../mounts/free-room.ts';
import type { Room } from '../mounts/free-room.ts';

const NO_ROOM = /\bENOSPC\b|No space left on device/;

function isNoRoom(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++)
    if (errorCode(error) === 'ENOSPC' || NO_ROOM.test(error.message)) return true;
  return false;
}

/** Undefined when the file system cannot be examined: the caller has an error to report and a create to undo. */
function measure(path: string, room: (path: string) => Room): Room | undefined {
  try {
    return room(path);
  } catch {
    return undefined;
  }
}

/**
 * If a file system with directories of the runtime is full, returns an error with its mount point, the required space and a hint;
 * otherwise returns `error`. To be called before files are removed. With no free space at all, programs fail without a message, because
 * their log is there.
 */
export function explainFullRun(error: unknown, room: (path: string) => Room = roomAt): unknown {
  const noRoom = isNoRoom(error);
  for (const directory of runtimeDirectories) {
    const found = measure(directory, room);
    const shortage = found && shortageOf(found);
    if (!shortage || (!noRoom && !isRunOut(found))) continue;
    const { mountPoint } = found;
    const next = `'${usageCommand(mountPoint)}' shows what uses the space, 'kata-runtime kata-gc --dry-run' lists the leftovers of crashes`;
    const text = `${mountPoint} is full: ${shortage.free} are free, a sandbox needs ${shortage.needed}; ${next} (${errorMessage(error)})`;
    return new KataError(text, { cause: error });
  }
  return error;
}
