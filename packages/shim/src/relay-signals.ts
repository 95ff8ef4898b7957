/** Relays the shim's signals to the process. */
import { constants } from 'node:os';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { onSignals } from '@kata-containers/common/kernel/signals';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { RemoteProcess } from './remote-process.ts';

/**
 * Signals that are not relayed: signals that cannot be caught, signals about the shim's own children, pipes and terminal, and SIGWINCH,
 * for which the shim calls the agent. If SIGTTIN or SIGTTOU were caught, the kernel would restart a read or an ioctl forever (tty_check_change).
 */
const kept = new Set<string>([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGPIPE',
  'SIGTTIN',
  'SIGTTOU',
  'SIGWINCH',
  'SIGUNUSED',
  'SIGIOT',
  'SIGPOLL',
]);

/** Numbers of the signals that are relayed. */
const relayedSignals = (Object.keys(constants.signals) as NodeJS.Signals[]).filter((name) => !kept.has(name));

/** Signals that arrive before `target` exists are delivered later. */
export function relaySignals(target: Promise<RemoteProcess>, log: Logger): void {
  process.on('SIGPIPE', () => {});
  onSignals(relayedSignals, (signal, name) => {
    target
      .then((receiver) => receiver.signal(signal))
      .catch((error: unknown) => log.warn('a signal was not delivered', { signal: name, reason: errorMessage(error) }));
  });
}
