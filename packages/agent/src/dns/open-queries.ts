/** Queries without an answer yet, by token. Bounded in number and age without a timer. */

/** After this time the client has stopped waiting (resolv.conf(5): two attempts of 5 s by default). */
const MAX_AGE_MS = 30_000;
const MAX_QUERIES = 1024;
const TOKENS = 65536;

export type SendReply = (message: Buffer) => void;

interface Open {
  readonly reply: SendReply;
  readonly since: number;
}

export class OpenQueries {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #open = new Map<number, Open>();
  #next = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Drops queries that are too old. @returns the query's token, or undefined if there are too many queries */
  add(reply: SendReply): number | undefined {
    const now = this.#now();
    for (const [token, { since }] of this.#open) {
      if (now - since < MAX_AGE_MS) break;
      this.#open.delete(token);
    }
    if (this.#open.size >= MAX_QUERIES) return undefined;
    while (this.#open.has(this.#next)) this.#next = (this.#next + 1) % TOKENS;
    const token = this.#next;
    this.#next = (token + 1) % TOKENS;
    this.#open.set(token, { reply, since: now });
    return token;
  }

  /** Passes the answer to the client, if the query is still open. */
  answer(token: number, message: Buffer): void {
    const open = this.#open.get(token);
    this.#open.delete(token);
    open?.reply(message);
  }
}
