/** Finds, creates and enters network namespaces of the host. */
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CLONE_NEWNET, MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

const OWN = '/proc/self/ns/net';

/** True when `path` is the namespace that this process is in: a container there would have the host's network. */
export function isOwnNamespace(path: string): boolean {
  const [theirs, own] = [statSync(path, { throwIfNoEntry: false }), statSync(OWN)];
  if (!theirs) throw new KataError(`network namespace ${path} is missing`);
  return theirs.dev === own.dev && theirs.ino === own.ino;
}

/**
 * Runs `act` with the main thread in the namespace at `path`: its children start there. Only the main thread moves, so
 * `act` must not use the thread pool for network calls.
 */
export async function inNetworkNamespace<T>(path: string, kernel: Pick<Kernel, 'setns'>, act: () => T | Promise<T>): Promise<T> {
  const [home, target] = [openSync(OWN, 'r'), openSync(path, 'r')];
  try {
    kernel.setns(target, CLONE_NEWNET);
    try {
      return await act();
    } finally {
      kernel.setns(home, CLONE_NEWNET);
    }
  } finally {
    closeSync(home);
    closeSync(target);
  }
}

/** Creates a namespace that exists as long as the bind mount at `path`. */
export function createNetworkNamespace(path: string, kernel: Pick<Kernel, 'setns' | 'unshare' | 'mount'>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, '', { mode: 0o400 });
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
