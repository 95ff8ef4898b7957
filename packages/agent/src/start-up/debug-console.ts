/** agent.debug_console: a shell on the guest's console, restarted whenever it ends. Loaded when the option is set. */
import { closeSync, constants, openSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Reaper } from '../processes/reaper.ts';

/** A shell that ends at once must not keep the guest busy. */
const PAUSE_MS = 1000;

/** busybox' setsid gives the shell the console as its terminal: Ctrl-C reaches it, and jobs work. */
async function runShell(path: string, reaper: Pick<Reaper, 'spawn'>): Promise<void> {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  try {
    await once(reaper.spawn('busybox', ['setsid', '-c', 'sh'], { stdio: [fd, fd, fd] }), 'exit');
  } finally {
    closeSync(fd);
  }
}

/** Runs until `signal` is aborted; in a guest it never is. */
export async function serveDebugConsole(
  reaper: Pick<Reaper, 'spawn'>,
  log: Logger,
  { console: path = '/dev/console', pauseMs = PAUSE_MS, signal }: { console?: string; pauseMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  log.info('debug console is open', { debug_console: path });
  while (signal?.aborted !== true) {
    await runShell(path, reaper).catch((error: unknown) => log.warn('the debug console failed', { reason: errorMessage(error) }));
    await sleep(pauseMs);
  }
}
