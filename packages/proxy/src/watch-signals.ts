/** Signals that the proxy handles, as in 1.x. */
import { onSignals } from '@kata-containers/common/kernel/signals';
import type { Logger } from '@kata-containers/common/logging/logger';

/**
 * Signals that end the proxy with an error. SIGSEGV, SIGBUS, SIGILL and SIGFPE are not handled: the engine runs handlers later, so the faulting
 * instruction would fault again forever. Their default action kills the process.
 */
const FATAL: readonly NodeJS.Signals[] = ['SIGABRT', 'SIGQUIT', 'SIGSTKFLT', 'SIGSYS', 'SIGTRAP'];

export type Ending = 'terminated' | 'fatal signal';

/**
 * Resolves when a signal ends the proxy: SIGTERM, with which the runtime ends a sandbox, or a fatal signal. In debug mode SIGUSR1 logs the
 * state (`describe`). Call it before the process opens files.
 */
export function endingSignal(log: Logger, describe: () => string): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  process.on('SIGPIPE', () => {}); // a write to a closed pipe is an error
  onSignals(['SIGUSR1'], () => log.debug('state', { state: describe() }));
  onSignals(['SIGTERM'], () => resolve('terminated'));
  onSignals(FATAL, (_, signal) => {
    log.error('received fatal signal', { signal });
    resolve('fatal signal');
  });
  return promise;
}
