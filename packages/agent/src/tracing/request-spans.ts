/** Records the spans of a traced request. The first traced request loads this file. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { MAX_GUEST_SPANS, writeGuestSpans } from '@kata-containers/common/tracing/guest-spans';
import { recordWith } from './step.ts';

interface Recorded {
  readonly name: string;
  readonly parent?: number;
  readonly beginMs: number;
  /** For a span that has not ended: the time at which the spans are written. */
  endMs?: number;
}

/** The running step of a request: its index in the request's spans. */
interface Place {
  readonly request: RequestSpans;
  readonly index: number;
}

const places = new AsyncLocalStorage<Place>();

/** All times are milliseconds since the request's arrival. */
export class RequestSpans {
  readonly #arrivalMs = performance.now();
  readonly #spans: Recorded[] = [];

  /** Runs the handler of the request as the first span. */
  run<T>(name: string, act: () => Promise<T>): Promise<T> {
    return this.record(name, undefined, act);
  }

  async record<T>(name: string, parent: number | undefined, act: () => Promise<T>): Promise<T> {
    if (this.#spans.length >= MAX_GUEST_SPANS) return act();
    const span: Recorded = { name, ...(parent !== undefined && { parent }), beginMs: this.#nowMs() };
    const index = this.#spans.push(span) - 1;
    try {
      return await places.run({ request: this, index }, act);
    } finally {
      span.endMs = this.#nowMs();
    }
  }

  toString(): string {
    return writeGuestSpans(this.#spans.map((span) => ({ ...span, endMs: span.endMs ?? this.#nowMs() })));
  }

  #nowMs(): number {
    return performance.now() - this.#arrivalMs;
  }
}

recordWith((name, act) => {
  const place = places.getStore();
  return place ? place.request.record(name, place.index, act) : act();
});
