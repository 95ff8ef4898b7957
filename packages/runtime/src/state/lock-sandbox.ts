/** Serializes changes of a sandbox's VM: 1.x's lock, on the sandbox's state directory. */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { sandboxPaths } from '../context/paths.ts';

/** The duration of the longest change: CPUs that do not appear or are not released. */
const WAIT_MS = 60_000;
const RETRY_MS = 10;

/** The kernel releases the lock when its process ends. @throws TimeoutError when another process keeps it for `waitMs` */
export async function withSandboxLock<T>(id: string, kernel: Pick<Kernel, 'tryLock'>, act: () => Promise<T>, waitMs = WAIT_MS): Promise<T> {
  const fd = openSync(sandboxPaths(id).state, 'r');
  try {
    for (let waited = 0; !kernel.tryLock(fd, 'exclusive'); waited += RETRY_MS) {
      if (waited > waitMs) throw new TimeoutError(`the lock of sandbox ${id}`, waitMs);
      await sleep(RETRY_MS);
    }
    return await act();
  } finally {
    closeSync(fd);
  }
}
