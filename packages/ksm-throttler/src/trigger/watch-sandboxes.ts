/** Watches sandboxes by inotify: each is a directory in ROOT/sbs. ROOT and sbs may be created later, and removed. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

/** struct inotify_event: watch, mask, cookie, length of the name that follows. */
const EVENT_BYTES = 16;
const MASK_OFFSET = 4;
const LENGTH_OFFSET = 12;
/** IN_DELETE_SELF, IN_MOVE_SELF, IN_Q_OVERFLOW, IN_IGNORED: the directory was removed, or events were lost. */
const IN_END = 0xcc00;
const READ_BYTES = 4096;

function endsWatch(events: Buffer): boolean {
  for (let at = 0; at < events.length; at += EVENT_BYTES + events.readUInt32LE(at + LENGTH_OFFSET))
    if (events.readUInt32LE(at + MASK_OFFSET) & IN_END) return true;
  return false;
}

export interface SandboxListener {
  /** A sandbox or their directory was created. */
  readonly appeared: () => void;
  /** The last sandbox has ended. */
  readonly empty?: () => void;
}

/** The nearest existing directory above `path`, or `path` itself. */
function existingAncestor(path: string): string {
  return existsSync(path) ? path : existingAncestor(dirname(path));
}

function list(directory: string): Set<string> {
  try {
    return new Set(readdirSync(directory));
  } catch {
    return new Set(); // it was removed
  }
}

export class SandboxWatch {
  readonly #target: string;
  readonly #listener: SandboxListener;
  readonly #log: Logger;
  readonly #kernel: Pick<Kernel, 'openDirectoryMonitor'>;
  #monitor: PollableStream | undefined;
  #watched = '';
  #known: Set<string>;

  /** Existing sandboxes are not reported. */
  constructor(root: string, listener: SandboxListener, log: Logger, kernel: Pick<Kernel, 'openDirectoryMonitor'>) {
    this.#target = join(root, 'sbs');
    this.#listener = listener;
    this.#log = log;
    this.#kernel = kernel;
    this.#known = list(this.#target);
    this.#watch();
  }

  close(): void {
    this.#monitor?.destroy();
    this.#monitor = undefined;
  }

  /** Watches the target, or its nearest existing parent; follows directories that are created on the path. */
  #watch(): void {
    do {
      this.close();
      this.#watched = existingAncestor(this.#target);
      try {
        this.#monitor = this.#open(this.#watched);
      } catch (error) {
        if (!existsSync(this.#watched)) continue; // ended in between
        return this.#failed(error);
      }
    } while (!this.#monitor || existingAncestor(this.#target) !== this.#watched);
    this.#log.debug('watching', { directory: this.#watched });
  }

  #open(directory: string): PollableStream {
    const onRead = (events: Buffer): boolean => {
      this.#changed(endsWatch(events));
      return true;
    };
    const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const monitor = openPollableStream(this.#kernel.openDirectoryMonitor(directory), { direction: 'read', readBuffer, onRead });
    monitor.on('error', (error) => this.#failed(error));
    monitor.resume();
    return monitor;
  }

  #failed(error: unknown): void {
    this.#log.error('sandboxes cannot be watched', { directory: this.#watched, reason: errorMessage(error) });
  }

  /** `hasEnded`: the watched directory was removed, and perhaps created again. */
  #changed(hasEnded: boolean): void {
    const hadTarget = this.#watched === this.#target && !hasEnded;
    if (!hadTarget) this.#watch();
    const hasCome = !hadTarget && this.#watched === this.#target;
    if (hasCome && this.#known.size === 0 && list(this.#target).size === 0) this.#listener.appeared();
    else this.#compare();
  }

  #compare(): void {
    const before = this.#known;
    this.#known = list(this.#target);
    if ([...this.#known].some((name) => !before.has(name))) this.#listener.appeared();
    else if (before.size > 0 && this.#known.size === 0) this.#listener.empty?.();
  }
}
