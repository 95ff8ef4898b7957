/** Sees sandboxes come and go, by inotify: each is a directory in ROOT/sbs. ROOT and sbs may come later than we do, and go. */
import { existsSync, readdirSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

export interface SandboxListener {
  /** There are new sandboxes, or their directory has come. */
  readonly appeared: () => void;
  /** The last one has gone. */
  readonly empty?: () => void;
}

/** The nearest directory to `path`, upwards, that exists. */
function existingAncestor(path: string): string {
  return existsSync(path) ? path : existingAncestor(dirname(path));
}

function list(directory: string): Set<string> {
  try {
    return new Set(readdirSync(directory));
  } catch {
    return new Set(); // it has gone
  }
}

export class SandboxWatch {
  readonly #target: string;
  readonly #listener: SandboxListener;
  readonly #log: Logger;
  #watcher: FSWatcher | undefined;
  #watched = '';
  #known: Set<string>;

  /** Sandboxes that are there already are no news. */
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

  /** Watches the target, or what there is on the way to it; a directory made in between is followed at once. */
  #watch(): void {
    do {
      this.close();
      this.#watched = existingAncestor(this.#target);
      try {
        this.#watcher = watch(this.#watched, (_event, name) => this.#changed(name));
      } catch (error) {
        if (!existsSync(this.#watched)) continue; // gone in between
        return this.#failed(error);
      }
      this.#watcher.on('error', (error) => this.#failed(error));
    } while (!this.#watcher || existingAncestor(this.#target) !== this.#watched);
    this.#log.debug('watching', { directory: this.#watched });
  }

  #failed(error: unknown): void {
    this.#log.error('sandboxes cannot be watched', { directory: this.#watched, reason: errorMessage(error) });
  }

  /** An event that names the watched directory tells that it has gone, and perhaps come again as another. */
  #changed(name: string | null): void {
    const isAboutItself = name === null || name === basename(this.#watched);
    if (this.#watched === this.#target && !isAboutItself) return this.#compare();
    const [awaited] = relative(this.#watched, this.#target).split(sep);
    if (!isAboutItself && name !== awaited) return; // a stranger on the way
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
