/** Waits at most `timeoutMs` milliseconds for `work`, which continues after a timeout. @throws the error that `late` returns */
export async function withTimeout<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), timeoutMs);
  work.catch(() => {}); // nobody waits for an error after the timeout
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
