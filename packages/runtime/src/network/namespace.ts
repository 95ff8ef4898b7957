/** Finds, creates and enters network namespaces of the host. */
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CLONE_NEWNET, MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomUuid } from '@kata-containers/common/random/random-uuid';

const OWN = '/proc/self/ns/net';

/** Whether two paths refer to the same namespace. @throws KataError for a missing path */
export function isSameNamespace(...paths: readonly [string, string]): boolean {
  const [one, other] = paths.map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) throw new KataError(`network namespace ${path} is missing`);
    return found;
  });
  return one?.dev === other?.dev && one?.ino === other?.ino;
}

/** True when `path` is the namespace that this process is in: a container there would have the host's network. */
export const isOwnNamespace = (path: string): boolean => isSameNamespace(path, OWN);

/**
 * Runs `act` with the main thread in the namespace at `path`: its children start there. Only the main thread moves, so
 * `act` must not use the thread pool for network calls. A synchronous `act` may run while an asynchronous one waits in the same namespace;
 * two asynchronous ones must not overlap.
 */
export async function inNetworkNamespace<T>(path: string, kernel: Pick<Kernel, 'setns'>, act: () => T | Promise<T>): Promise<T> {
  const [home, target] = [openSync(OWN, 'r'), openSync(path, 'r')];
  try {
    kernel.setns(target, CLONE_NEWNET);
    try {
      const result = act();
      return result instanceof Promise ? await result : result;
    } finally {
      kernel.setns(home, CLONE_NEWNET);
    }
  } finally {
    closeSync(home);
    closeSync(target);
  }
}

/** Mount point of the next namespace that the runtime creates (1.x's name). */
export const newNamespacePath = (): string => `/run/netns/cnitest-${randomUuid()}`;

function makeMountPoint(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, '', { mode: 0o400 });
}

/** Keeps the namespace at `existing` as long as the bind mount at `path` exists. */
export function keepNetworkNamespace(existing: string, path: string, kernel: Pick<Kernel, 'mount'>): void {
  makeMountPoint(path);
  kernel.mount(existing, path, 'none', MS_BIND);
}

/** Creates a namespace that exists as long as the bind mount at `path` exists. */
export function createNetworkNamespace(path: string, kernel: Pick<Kernel, 'setns' | 'unshare' | 'mount'>): void {
  makeMountPoint(path);
  const home = openSync(OWN, 'r');
  try {
    kernel.unshare(CLONE_NEWNET);
    try {
      kernel.mount(OWN, path, 'none', MS_BIND);
    } finally {
      kernel.setns(home, CLONE_NEWNET);
    }
  } finally {
    closeSync(home);
  }
}
