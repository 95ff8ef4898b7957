import type { Logger } from '@kata-containers/common/logging/logger';

/** Runs one step, and tells the debug log when it began (milliseconds since 1970) and how long it took, failed or not. */
export async function traceStep<T>(log: Logger, step: string, act: () => T | Promise<T>): Promise<T> {
  const [begin, start] = [Date.now(), performance.now()];
  try {
    return await act();
  } finally {
    log.debug('step', { step, begin, ms: Math.round(performance.now() - start) });
  }
}
