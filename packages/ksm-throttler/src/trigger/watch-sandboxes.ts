/** Watches sandboxes by inotify: each is a directory in ROOT/sbs. ROOT and sbs may be created later, and removed. */
import { existsSync, readdirSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

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
  #watcher: FSWatcher | undefined;
  #watched = '';
  #known: Set<string>;

  /** Existing sandboxes are not reported. */
  constructor(root: string, listener: SandboxListener, log: Logger) {
    this.#target = join(root, 'sbs');
    this.#listener = listener;
    this.#log = log;
    this.#known = list(this.#target);
    this.#watch();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Watches the target, or its nearest existing parent; follows directories that are created on the path. */
  #watch(): void {
    do {
      this.close();
      this.#watched = existingAncestor(this.#target);
      try {
        this.#watcher = watch(this.#watched, (_event, name) => this.#changed(name));
      } catch (error) {
        if (!existsSync(this.#watched)) continue; // ended in between
        return this.#failed(error);
      }
      this.#watcher.on('error', (error) => this.#failed(error));
    } while (!this.#watcher || existingAncestor(this.#target) !== this.#watched);
    this.#log.debug('watching', { directory: this.#watched });
  }

  #failed(error: unknown): void {
    this.#log.error('sandboxes cannot be watched', { directory: this.#watched, reason: errorMessage(error) });
  }

  /** An event with the name of the watched directory means that the directory was removed, and perhaps created again. */
  #changed(name: string | null): void {
    const isAboutItself = name === null || name === basename(this.#watched);
    if (this.#watched === this.#target && !isAboutItself) return this.#compare();
    const [awaited] = relative(this.#watched, this.#target).split(sep);
    if (!isAboutItself && name !== awaited) return; // another file on the path
    this.#watch();
    const hasCome = this.#watched === this.#target;
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
