/** Every way in which a daemon ends, except SIGKILL. */
import type { EventEmitter } from 'node:events';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

/** Resolves with the signal that ends the daemon; rejects with an uncaught error, so that the values are restored in this case as well. */
export function ending(daemon: Pick<EventEmitter, 'on'>): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const signal of signals) daemon.on(signal, () => resolve(signal));
    for (const event of ['uncaughtException', 'unhandledRejection']) daemon.on(event, reject);
  });
}
