/** CopyFile: receives a file from the host in pieces, when no file system is shared. Loaded by the first piece. */
import { chmodSync, chownSync, closeSync, fstatSync, mkdirSync, openSync, realpathSync, renameSync, writeSync } from 'node:fs';
import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CopyFileRequest } from '@kata-containers/common/generated/agent';

const isBelow = (directory: string, path: string): boolean => path.startsWith(`${directory}/`);

/** Nothing outside `top` may be written, whatever the path is and wherever a container's links lead. */
function checkedPath(path: string, dirMode: number, top: string): string {
  const refused = new Error(`Only is possible to copy files into the ${top} directory`);
  const target = resolve('/', path);
  if (!isBelow(top, target)) throw refused;
  const parent = dirname(target);
  mkdirSync(parent, { recursive: true, mode: dirMode });
  const real = realpathSync(parent);
  if (real !== top && !isBelow(top, real)) throw refused;
  return target;
}

/** Writes a piece. @returns the size of the file */
function writePiece(path: string, data: Buffer, offset: bigint): number {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    for (let done = 0; done < data.length;) done += writeSync(fd, data, done, data.length - done, Number(offset) + done);
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** When the file is complete, sets its name, mode and owner. `top` is /run in a guest. */
export function copyFile(request: CopyFileRequest, top: string): void {
  const { path, file_size, file_mode, dir_mode, uid, gid, offset, data } = request;
  if (offset < 0n || file_size < 0n) throw new Error('negative offset or size');
  const target = checkedPath(path, dir_mode || 0o750, realpathSync(top));
  const unfinished = `${target}.tmp`;
  if (BigInt(writePiece(unfinished, data, offset)) !== file_size) return;
  chmodSync(unfinished, file_mode & 0o7777);
  chownSync(unfinished, uid, gid);
  renameSync(unfinished, target);
}
