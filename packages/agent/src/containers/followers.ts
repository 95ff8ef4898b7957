/**
 * Who follows an exec'd process: calls that read its output or wait for its end. A shim always has one open. When the last of
 * them is cut off - its connection is gone, not merely its deadline - and none takes its place, the shim has died, and nobody
 * will ever want what the process does.
 */

/** How a call ended before it was answered. */
export type Cancellation = 'deadline' | 'gone';

export interface Cancellable {
  readonly onCancelled: (notify: (how: Cancellation) => void) => void;
}

/** Time for somebody to take over. */
const GRACE_MS = 10_000;

export class Followers {
  readonly #onAbandoned: () => void;
  readonly #graceMs: number;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onAbandoned: () => void, graceMs = GRACE_MS) {
    this.#onAbandoned = onAbandoned;
    this.#graceMs = graceMs;
  }

  /** Counts `work` as a follower until it is done or its caller is gone. */
  async follow<T>(call: Cancellable, work: Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#count++;
    let counted = true;
    const leave = (): void => {
      if (counted) this.#count--;
      counted = false;
    };
    call.onCancelled((how) => {
      if (!counted) return; // answered, and hung up afterwards
      leave();
      if (how === 'gone' && this.#count === 0) this.#expectSuccessor();
    });
    try {
      return await work;
    } finally {
      leave();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #expectSuccessor(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onAbandoned(), this.#graceMs);
    this.#timer.unref();
  }
}
