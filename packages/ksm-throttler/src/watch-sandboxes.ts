/** Sees sandboxes appear, by inotify: each is a directory in ROOT/sbs. ROOT and sbs may come later than we do, and go. */
import { existsSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** The nearest directory above `path` that exists. */
function existingAncestor(path: string): string {
  return existsSync(path) ? path : existingAncestor(dirname(path));
}

/** Calls `onSandbox` for each new one. Returns what stops it. */
export function watchSandboxes(root: string, onSandbox: () => void, log: Logger): () => void {
  const target = join(root, 'sbs');
  let watcher: FSWatcher | undefined;
  const look = (): void => {
    watcher?.close();
    const directory = existingAncestor(target);
    watcher = watch(directory, (event, name) => {
      if (name === null) return;
      const appeared = event === 'rename' && existsSync(join(directory, name));
      if (directory === target && name !== basename(target)) {
        if (appeared) onSandbox();
      } else look(); // an ancestor appeared, or the directory itself went
      if (directory !== target && existsSync(target)) onSandbox();
    });
    watcher.on('error', (error) => log.warn('sandboxes cannot be watched', { reason: errorMessage(error) }));
    watcher.unref();
  };
  look();
  return () => watcher?.close();
}
