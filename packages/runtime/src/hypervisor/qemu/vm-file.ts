/**
 * Files in a VM's directory, opened after a guest has run: a QEMU that a guest has taken over may have put a link in their place, to another
 * VM's socket or to a file of the host, or a pipe that nobody writes to.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** open(2); Node has no name for it. */
const O_PATH = 0o10000000;

function openChecked(path: string, flags: number, kind: 'isFile' | 'isSocket'): number {
  const fd = openSync(path, flags | O_NOFOLLOW);
  if (fstatSync(fd)[kind]()) return fd;
  closeSync(fd);
  throw new KataError(`${path} is not the file that QEMU created: the VM may be compromised`);
}

/** The caller closes it. @throws Error, KataError for a link or a special file */
export const openVmFile = (path: string): number => openChecked(path, O_RDONLY | O_NONBLOCK, 'isFile');

/** A path that reaches the socket that is at `path` now, as long as it is not closed. @throws Error, KataError for anything else than a socket */
export function openVmSocket(path: string): { readonly path: string; close(): void } {
  const fd = openChecked(path, O_PATH, 'isSocket');
  return { path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}
