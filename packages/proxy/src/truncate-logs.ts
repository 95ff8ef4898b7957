/**
 * Keeps the logs of a VM small: they are in /run, which is memory, and a guest can make QEMU, virtiofsd and this proxy log without limit.
 * The proxy does it because no other process lives as long as the sandbox.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, readdirSync, watch, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** A longer log is cut to its last part. */
const MAX_BYTES = 1 << 20;
const KEPT_BYTES = 64 << 10;
/** Interval of the checks: a flood must not take the proxy's CPU time. */
const PAUSE_MS = 100;

/** Only the log files of a VM: the directory comes from the command line, and may contain other files. */
const NAMES = ['qemu.log', 'virtiofsd.log', 'proxy.log'];

const { O_RDWR, O_APPEND, O_NOFOLLOW, O_DIRECTORY, O_RDONLY } = constants;

/** In place, because its writers have it open: they append at the new end. */
function shorten(path: string): void {
  const file = openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW);
  try {
    const { size } = fstatSync(file);
    if (size <= MAX_BYTES) return;
    const last = Buffer.alloc(KEPT_BYTES);
    const length = readSync(file, last, 0, KEPT_BYTES, size - KEPT_BYTES);
    ftruncateSync(file, 0);
    writeSync(file, last.subarray(last.indexOf('\n') + 1, length));
  } finally {
    closeSync(file);
  }
}

/** Of the VM's logs in `directory`, which may get another name meanwhile. @returns what ends it */
export function truncateLogs(directory: string, log: Logger): () => void {
  const handle = openSync(directory, O_RDONLY | O_DIRECTORY);
  const own = `/proc/self/fd/${handle}`;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    try {
      for (const name of readdirSync(own)) if (NAMES.includes(name)) shorten(join(own, name));
    } catch (error) {
      log.debug('a log cannot be looked at', { reason: errorMessage(error) }); // it may have gone
    }
  };
  const watcher = watch(own, { persistent: false }, (_, name) => {
    if (name !== null && NAMES.includes(name)) timer ??= setTimeout(look, PAUSE_MS).unref();
  });
  watcher.on('error', (error) => log.warn('the logs of the VM are not looked at', { reason: errorMessage(error) }));
  return () => {
    clearTimeout(timer);
    watcher.close();
    closeSync(handle);
  };
}
