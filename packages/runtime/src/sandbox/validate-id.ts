import { UsageError } from '@kata-containers/common/errors/kata-error';

/**
 * An id is part of paths, of QEMU's command line and of socket names, so it may have runc's characters only. With 76 characters
 * `/run/vc/vm/ID/console.sock` fits the 107 bytes of a unix socket's path.
 * @throws UsageError
 */
export function validateId(id: string | undefined): string {
  if (id === undefined || id === '') throw new UsageError('Missing container ID');
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/.test(id)) throw new UsageError(`invalid container ID format: ${JSON.stringify(id)}`);
  if (id.length > 76) throw new UsageError(`container ID is too long (${id.length} characters, at most 76)`);
  return id;
}
