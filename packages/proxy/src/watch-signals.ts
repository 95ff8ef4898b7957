/** Signals that the proxy handles, as in 1.x. */
import type { Logger } from '@kata-containers/common/logging/logger';

/**
 * Signals that end the proxy with an error. SIGSEGV, SIGBUS, SIGILL and SIGFPE are not handled: Node runs handlers later, so the faulting
 * instruction would fault again forever. Their default action kills the process.
 */
const FATAL: readonly NodeJS.Signals[] = ['SIGABRT', 'SIGQUIT', 'SIGSTKFLT', 'SIGSYS', 'SIGTRAP'];

export type Ending = 'terminated' | 'fatal signal';

/**
 * Resolves when a signal ends the proxy: SIGTERM, with which the runtime ends a sandbox, or a fatal signal. In debug mode SIGUSR1 logs the
 * state (`describe`). Without a handler Node would start its debugger.
 */
export function endingSignal(log: Logger, describe: () => string): Promise<Ending> {
  process.on('SIGUSR1', () => log.debug('state', { state: describe() }));
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve('terminated'));
    for (const signal of FATAL) {
      process.on(signal, () => {
        log.error('received fatal signal', { signal });
        resolve('fatal signal');
      });
    }
  });
}
