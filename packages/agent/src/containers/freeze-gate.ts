/**
 * Keeps the starts of a container's processes and its freezing apart. A process that is frozen during its start makes `crun exec` wait until
 * the container is thawed, and engines thaw no container while an exec starts.
 */
export class FreezeGate {
  readonly #starts = new Set<Promise<unknown>>();
  #freezing: Promise<unknown> | undefined;

  /** Runs `work` when no freeze is pending. */
  async start<T>(work: () => Promise<T>): Promise<T> {
    while (this.#freezing) await Promise.allSettled([this.#freezing]);
    const start = work();
    this.#starts.add(start);
    try {
      return await start;
    } finally {
      this.#starts.delete(start);
    }
  }

  /** Runs `work` when all starts that began before have ended. Later starts wait for the end of `work`. */
  async freeze(work: () => Promise<void>): Promise<void> {
    while (this.#freezing) await Promise.allSettled([this.#freezing]);
    this.#freezing = Promise.allSettled(this.#starts)
      .then(work)
      .finally(() => (this.#freezing = undefined));
    await this.#freezing;
  }
}
