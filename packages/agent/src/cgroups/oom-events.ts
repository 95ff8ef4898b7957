/** Containers that ran out of memory, in the order in which GetOOMEvent returns them: each is listed once until it is returned. */
export class OomEvents {
  readonly #pending = new Set<string>();
  readonly #waiting = new Set<(containerId: string) => void>();

  add(containerId: string): void {
    const [first] = this.#waiting;
    if (!first) this.#pending.add(containerId);
    else {
      this.#waiting.delete(first);
      first(containerId);
    }
  }

  /** The next event. `onCancelled` registers a function that cancels the request: no event may be given to a caller that has disconnected. */
  next(onCancelled: (takeBack: () => void) => void): Promise<string> {
    const [pending] = this.#pending;
    if (pending !== undefined) {
      this.#pending.delete(pending);
      return Promise.resolve(pending);
    }
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      onCancelled(() => this.#waiting.delete(resolve));
    });
  }
}
