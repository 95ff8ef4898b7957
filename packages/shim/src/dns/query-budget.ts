/** Limits the guest's queries: their rate, with bursts of one second's worth, and the number of open ones. */

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

  /** Whether another query is allowed. It is open until `release` is called. */
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
