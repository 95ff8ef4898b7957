/**
 * Who follows an exec'd process: calls that read its output or wait for its end. A shim has one open at any time, all of them on one
 * connection. When the last of them is cut off - its connection is gone, not merely its deadline - the shim has died, and nobody will
 * ever want what the process does.
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

  /** Counts `work` as a follower until it is done or its caller is gone. */
  async follow<T>(call: Cancellable, work: Promise<T>): Promise<T> {
    this.#count++;
    let counted = true;
    const leave = (): void => {
      if (counted) this.#count--;
      counted = false;
    };
    call.onCancelled((how) => {
      if (!counted) return; // answered, and closed afterwards
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
