/** Every way out of a daemon but kill -9. */
import type { EventEmitter } from 'node:events';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

/** Resolves with the signal that ends the daemon; rejects with an uncaught error, so that values are put back then too. */
export function ending(process: Pick<EventEmitter, 'on'>): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const signal of signals) process.on(signal, () => resolve(signal));
    for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, reject);
  });
}
