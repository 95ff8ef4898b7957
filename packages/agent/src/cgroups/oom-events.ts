/** Containers that ran out of memory, in the order in which GetOOMEvent gives them: each at most once until it was given. */
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

  /** The next one. `onCancelled` registers what takes the request back: an event must not go to a caller that is gone. */
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
