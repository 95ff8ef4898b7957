/**
 * Waits for `work`, at most `timeoutMs` milliseconds. The work itself goes on after that.
 * @throws what `late` makes when the time is over
 */
export async function withTimeout<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), timeoutMs);
  work.catch(() => {}); // an error after the time is over has no reader
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
