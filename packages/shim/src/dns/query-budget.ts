/** How many queries the guest may ask: so many in a second, with a second's worth at once, and so many open at a time. */

const QUERIES_A_SECOND = 5000;
const MAX_OPEN = 512;

export class QueryBudget {
  readonly #now: () => number;
  #left = QUERIES_A_SECOND;
  #since: number;
  #open = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  /** Whether one more query may be asked. It is open until `release` is called. */
  take(): boolean {
    const now = this.#now();
    this.#left = Math.min(QUERIES_A_SECOND, this.#left + ((now - this.#since) * QUERIES_A_SECOND) / 1000);
    this.#since = now;
    if (this.#left < 1 || this.#open >= MAX_OPEN) return false;
    this.#left--;
    this.#open++;
    return true;
  }

  release(): void {
    this.#open--;
  }
}
