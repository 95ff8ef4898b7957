/**
 * A JS engine frees buffers only when its young generation is full of other objects, which takes tens of megabytes of transfer, or when so many
 * buffers have accumulated that it runs a full collection. A process that copies bytes runs minor collections itself: each takes one
 * millisecond instead of ten, and the process stays small.
 */
import { isBun } from './engine.ts';

/** Everything, or only young objects. */
type Collect = (options?: { type: 'minor' }) => void;

/** The engine's own function. V8's is made available by a flag that may be set at any time. */
export function exposeCollect(): Collect {
  if (isBun) {
    const { edenGC, fullGC } = process.getBuiltinModule('bun:jsc') as unknown as { edenGC(): void; fullGC(): void };
    return (options) => (options ? edenGC() : fullGC());
  }
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

export class MinorGcPacer {
  readonly #every: number;
  #bytes = 0;
  #collect: Collect | undefined;

  /** Runs a collection each time that `every` bytes were counted. */
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
