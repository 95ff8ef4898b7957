/**
 * The calls that follow an exec'd process: they read its output or wait for its end. A shim always has one open, all of them on one
 * connection. When the connection of the last call breaks (a missed deadline does not count), the shim has died, and no caller will read
 * the result of the process.
 */

/** How a call ended before it was answered. */
export type Cancellation = 'deadline' | 'gone';

export interface Cancellable {
  readonly onCancelled: (notify: (how: Cancellation) => void) => void;
}

export class AttachedCalls {
  readonly #onAbandoned: () => void;
  #count = 0;

  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
  }

  /** Counts `call` until `work` is done or the call's connection is broken. */
  async follow<T>(call: Cancellable, work: Promise<T>): Promise<T> {
    this.#count++;
    let counted = true;
    const leave = (): void => {
      if (counted) this.#count--;
      counted = false;
    };
    call.onCancelled((how) => {
      if (!counted) return; // answered before the connection was closed
      leave();
      if (how === 'gone' && this.#count === 0) this.#onAbandoned();
    });
    try {
      return await work;
    } finally {
      leave();
    }
  }
}
