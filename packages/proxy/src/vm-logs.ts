/**
 * Truncates the logs of a VM. The files are opened at the start, because a confined kata-proxy cannot open a path. The logs are in /run, a
 * tmpfs, and a guest can make QEMU, virtiofsd and this proxy log without limit. Only the proxy runs as long as the sandbox, so the proxy
 * truncates the logs.
 */
import { constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

/** A longer log is truncated to its last part. */
const MAX_BYTES = 1 << 20;
const KEPT_BYTES = 64 << 10;
/** Interval of the checks: a flood must not take the proxy's CPU time. */
const PAUSE_MS = 100;
/** Interval of the checks when the host allows no further inotify instance (fs.inotify.max_user_instances). */
const POLL_MS = 1000;
/** Several struct inotify_event. The content of events does not matter. */
const EVENT_BYTES = 4096;

/** Only the log files of a VM: the directory comes from the command line, and may contain other files. */
const QEMU_LOG = 'qemu.log';
const NAMES = [QEMU_LOG, 'virtiofsd.log', 'proxy.log'];

const { O_RDWR, O_APPEND, O_NOFOLLOW } = constants;

function openLog(path: string): number | undefined {
  try {
    return openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW);
  } catch {
    return undefined; // a VM without virtiofsd
  }
}

/** The last bytes of an open log. */
function readEnd(file: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, Math.max(0, fstatSync(file).size - length)));
}

/** Truncates in place, because the writers have the log open with O_APPEND. */
function shorten(file: number): void {
  if (fstatSync(file).size <= MAX_BYTES) return;
  const last = readEnd(file, KEPT_BYTES);
  ftruncateSync(file, 0);
  writeSync(file, last.subarray(last.indexOf('\n') + 1));
}

type Monitoring = Pick<Kernel, 'openFileMonitor'>;

/** Calls `look` soon after a file in `directory` has changed. @returns a function that ends this */
function onChanges(directory: string, look: () => void, log: Logger, kernel: Monitoring): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onRead = (): boolean => {
    timer = setTimeout(() => {
      look();
      monitor.resume();
    }, PAUSE_MS).unref();
    return false;
  };
  let monitor: PollableStream;
  try {
    const readBuffer = Buffer.allocUnsafeSlow(EVENT_BYTES);
    monitor = openPollableStream(kernel.openFileMonitor(directory), { direction: 'read', readBuffer, onRead });
  } catch (error) {
    log.info('the logs of the VM are checked each second', { reason: errorMessage(error) });
    const poll = setInterval(look, POLL_MS).unref();
    return () => clearInterval(poll);
  }
  monitor.unref();
  monitor.on('error', (error) => log.warn('the logs of the VM are not checked', { reason: errorMessage(error) }));
  monitor.resume();
  return () => {
    clearTimeout(timer);
    monitor.destroy();
  };
}

export class VmLogs {
  readonly #files: ReadonlyMap<string, number>;
  readonly #close: () => void;

  /** Opens the logs of the VM whose files are in `directory`. */
  constructor(directory: string, log: Logger, kernel: Monitoring) {
    this.#files = new Map(
      NAMES.flatMap((name) => {
        const file = openLog(join(directory, name));
        return file === undefined ? [] : [[name, file] as const];
      }),
    );
    const look = (): void => {
      try {
        for (const file of this.#files.values()) shorten(file);
      } catch (error) {
        log.debug('a log cannot be checked', { reason: errorMessage(error) });
      }
    };
    this.#close = onChanges(directory, look, log, kernel);
  }

  /** The end of qemu.log; empty when the file does not exist. */
  qemuLog(): string {
    const file = this.#files.get(QEMU_LOG);
    return file === undefined ? '' : readEnd(file, KEPT_BYTES).toString('utf8');
  }

  /** Stops truncating the logs. They stay open for reading. */
  stop(): void {
    this.#close();
  }
}
