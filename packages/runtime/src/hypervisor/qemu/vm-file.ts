/**
 * Opens files in a VM's directory safely: a compromised QEMU may have replaced a file by a link to another VM's socket or to a file of the
 * host, or by a pipe without a writer.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Flag of open(2); Node has no constant for it. */
const O_PATH = 0o10000000;

function openChecked(path: string, flags: number, kind: 'isFile' | 'isSocket'): number {
  const fd = openSync(path, flags | O_NOFOLLOW);
  if (fstatSync(fd)[kind]()) return fd;
  closeSync(fd);
  throw new KataError(`${path} is not the file that QEMU created: the VM may be compromised`);
}

/** Returns an fd, which the caller closes. @throws Error, KataError for a link or a special file */
export const openVmFile = (path: string): number => openChecked(path, O_RDONLY | O_NONBLOCK, 'isFile');

/** A path to the socket that is now at `path`, valid until `close`. @throws Error, KataError for a file that is not a socket */
export function openVmSocket(path: string): { readonly path: string; close(): void } {
  const fd = openChecked(path, O_PATH, 'isSocket');
  return { path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}
