/** `run` and `exec` stand for a process that their caller waits for: as with runc, what is sent to them is for it. */
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { Started } from '../processes/spawn-apart.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Signals that arrive before the shim exists are delivered to it later: ending here would leave a VM behind.
 * @returns tells the first of those: a process that has not begun does not hear it
 */
export function forwardSignals(starting: Promise<Started>): () => NodeJS.Signals | undefined {
  let isThere = false;
  let early: NodeJS.Signals | undefined;
  starting.then(() => (isThere = true)).catch(() => {}); // told to who awaits it
  for (const signal of forwarded) {
    process.on(signal, () => {
      if (!isThere) early ??= signal;
      starting.then(({ identity }) => signalProcess(identity, signal)).catch(() => {});
    });
  }
  return () => early;
}
