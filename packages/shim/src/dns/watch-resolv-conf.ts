/** Watches a container's resolv.conf for docker's resolver, which the file names from the start or after a `docker network connect`. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

/** resolv.conf has a few lines. */
const MAX_BYTES = 65536;
/** Several struct inotify_event. The content of events does not matter. */
const EVENT_BYTES = 512;

/** @throws Error when the file cannot be read */
function isDockers(file: number): boolean {
  const bytes = Buffer.alloc(MAX_BYTES);
  return namesDockerResolver(bytes.toString('latin1', 0, readSync(file, bytes, 0, MAX_BYTES, 0)).split('\n'));
}

/**
 * `path` on the host. Calls `onDockerResolver` once. The file is watched until then and kept open: dockerd rewrites it in place, and a
 * confined process cannot open its path later. dockerd truncates the file and then writes it, and fs.watch of Bun drops an event less than
 * a millisecond after another.
 */
export function watchResolvConf(path: string, onDockerResolver: () => void, kernel: Pick<Kernel, 'openFileMonitor'>, log: Logger): void {
  const fail = (error: unknown): void => log.warn('resolv.conf cannot be watched', { path, reason: errorMessage(error) });
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a user's file may be a FIFO
    const continues = (): boolean => {
      try {
        if (!isDockers(file)) return true;
        onDockerResolver();
      } catch (error) {
        fail(error);
      }
      stream.destroy();
      closeSync(file);
      return false;
    };
    const readBuffer = Buffer.allocUnsafeSlow(EVENT_BYTES);
    const stream = openPollableStream(kernel.openFileMonitor(path), { direction: 'read', readBuffer, onRead: continues });
    stream.unref();
    stream.on('error', fail);
    if (continues()) stream.resume();
  } catch (error) {
    fail(error);
  }
}
