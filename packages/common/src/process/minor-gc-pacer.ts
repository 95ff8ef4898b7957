/**
 * Buffers are found dead by V8 only when its young generation is full of other objects, which takes tens of megabytes of
 * transfer, or when so many buffers have piled up that it collects everything. A process that passes bytes on collects the
 * young ones itself now and then: a millisecond instead of ten, and a small process instead of a large one.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Everything, or only young objects. */
type Collect = (options?: { type: 'minor' }) => void;

/** V8's own function, had by a flag that may be set at any time. */
export function exposeCollect(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

export class MinorGcPacer {
  readonly #every: number;
  #bytes = 0;
  #collect: Collect | undefined;

  /** Collects after each `every` bytes that were counted. */
  constructor(every: number) {
    this.#every = every;
  }

  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.#every) return;
    this.#bytes = 0;
    this.#collect ??= exposeCollect();
    this.#collect({ type: 'minor' });
  }
}
