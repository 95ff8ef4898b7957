import type { Logger } from '@kata-containers/common/logging/logger';

/** Runs one step, and logs its start (milliseconds since 1970) and its duration at debug level, also when it fails. */
export async function traceStep<T>(log: Logger, step: string, act: () => T | Promise<T>): Promise<T> {
  const [begin, start] = [Date.now(), performance.now()];
  try {
    return await act();
  } finally {
    log.debug('step', { step, begin, ms: Math.round(performance.now() - start) });
  }
}
