import { existsSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';

/** Fedora and Debian 13 have the Rust daemon, Debian 12 has QEMU 7's; 1.x's path is the last. */
const PLACES = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd', '/usr/bin/virtiofsd'];

/** Path of the daemon: the configured path, or the first existing path of distributions. @throws KataError for a missing daemon */
export function findVirtiofsd(configured: string, exists: (path: string) => boolean = existsSync): string {
  const found = (configured === '' ? PLACES : [configured]).find(exists);
  if (found !== undefined) return found;
  const place = configured === '' ? `at ${PLACES.join(', ')}` : `at ${configured}, the path in virtio_fs_daemon`;
  throw new KataError(
    `shared_fs is virtio-fs, but virtiofsd does not exist ${place}: install it (Debian 12: qemu-system-common; else: virtiofsd)`,
  );
}
