/** Waiting for an event that can only be polled. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 10;

/** Polls `condition` until it is true. @throws Error that names what did not happen */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await sleep(LOOK_MS);
  }
}
