/** Limits the guest's queries: the rate, with bursts of up to one second, and the number of open queries. */

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

  /** Whether another query is allowed. An allowed query is open until `release` is called. */
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
