/** What signals mean to the proxy, as in 1.x. */
import type { Logger } from '@kata-containers/common/logging/logger';

/**
 * Signals that say that something is badly wrong. SEGV, BUS, ILL and FPE are not among them: Node hears of a signal after the
 * fact, and a process that faulted would fault again for ever. They end it as the kernel does.
 */
const FATAL: readonly NodeJS.Signals[] = ['SIGABRT', 'SIGQUIT', 'SIGSTKFLT', 'SIGSYS', 'SIGTRAP'];

export type Ending = 'terminated' | 'fatal signal';

/**
 * Resolves when a signal ends the proxy: SIGTERM, by which the runtime ends a sandbox, or a fatal one. SIGUSR1 tells what goes on
 * (`describe`) in debug mode; Node would start its debugger.
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
