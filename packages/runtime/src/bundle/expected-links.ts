/** How many links docker's hook will add to the container's network namespace. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Spec } from '@kata-containers/common/oci/spec';

/** A hosts file with more bytes was not written by docker alone. */
const MAX_BYTES = 64 << 10;

/** @returns undefined for another kind of file, which may be a user's: opening a FIFO without O_NONBLOCK would wait */
function readHosts(path: string): string | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const kind = fstatSync(fd);
      return kind.isFile() && kind.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // only a hint: whatever needs the file reports the error
  }
}

/**
 * By the hosts file that the container will have: docker up to 27 allocates addresses before the container is created, and writes a line
 * `ADDRESS HOSTNAME` for each link.
 * @returns undefined without such a file
 */
export function expectedLinks({ hostname = '', mounts = [] }: Pick<Spec, 'hostname' | 'mounts'>): number | undefined {
  const source = mounts.find(({ destination }) => destination === '/etc/hosts')?.source ?? '';
  const text = hostname === '' || source === '' ? undefined : readHosts(source);
  const lines = text?.split('\n').map((line) => line.trim().split(/\s+/));
  return lines?.filter(([address = '', ...names]) => address.includes('.') && names.includes(hostname)).length;
}
