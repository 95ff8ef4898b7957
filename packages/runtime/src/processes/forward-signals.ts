/** `run` and `exec` represent a process that their caller waits for: as in runc, they forward signals to the process. */
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { SpawnedProcess } from './spawn-detached.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Signals that arrive before the shim exists are delivered to the shim later: if the runtime ended, a VM would be left behind.
 * @returns a function that returns the first of these signals, which a process that has not started does not receive
 */
export function forwardSignals(starting: Promise<SpawnedProcess>): () => NodeJS.Signals | undefined {
  let hasStarted = false;
  let early: NodeJS.Signals | undefined;
  starting.then(() => (hasStarted = true)).catch(() => {}); // reported by the promise
  for (const signal of forwarded) {
    process.on(signal, () => {
      if (!hasStarted) early ??= signal;
      starting.then(({ identity }) => signalProcess(identity, signal)).catch(() => {});
    });
  }
  return () => early;
}
