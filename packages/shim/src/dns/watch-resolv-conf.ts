/** Watches a container's resolv.conf for docker's resolver, which the file names from the start or after a `docker network connect`. */
import { closeSync, openSync, readSync, watch } from 'node:fs';
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** resolv.conf has a few lines. */
const MAX_BYTES = 65536;

/** @throws Error when the file cannot be read */
function isDockers(file: number): boolean {
  const bytes = Buffer.alloc(MAX_BYTES);
  return namesDockerResolver(bytes.toString('latin1', 0, readSync(file, bytes, 0, MAX_BYTES, 0)).split('\n'));
}

/**
 * `path` on the host. Calls `onDockerResolver` once. The file is watched until then and kept open: dockerd rewrites it in place, and a
 * confined process cannot open its path later.
 */
export function watchResolvConf(path: string, onDockerResolver: () => void, log: Logger): void {
  const fail = (error: unknown): void => log.warn('resolv.conf cannot be watched', { path, reason: errorMessage(error) });
  try {
    const file = openSync(path, 'r');
    if (isDockers(file)) {
      closeSync(file);
      return onDockerResolver();
    }
    const watcher = watch(path, { persistent: false }, () => {
      try {
        if (!isDockers(file)) return;
      } catch (error) {
        return fail(error);
      }
      watcher.close();
      closeSync(file);
      onDockerResolver();
    });
    watcher.on('error', fail);
  } catch (error) {
    fail(error);
  }
}
