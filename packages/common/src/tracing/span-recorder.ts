/** Records the spans of one process. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { errorMessage } from '../errors/error-message.ts';
import { sanitizeLine } from '../errors/guest-text.ts';
import { SPANS_TRAILER, readGuestSpans } from './guest-spans.ts';
import { MAX_ERROR } from './span.ts';
import type { Span, SpanKind } from './span.ts';
import type { Trace, TracedCall } from './trace.ts';
import { PARENT_VARIABLE, formatTraceParent, newSpanId, newTraceId } from './trace-parent.ts';
import type { SpanContext } from './trace-parent.ts';

/** Limit of the spans of one process. */
const MAX_SPANS = 512;

/** By the monotonic clock since the start of the process. */
const nowMs = (): number => performance.timeOrigin + performance.now();

const errorText = (error: unknown): string => sanitizeLine(errorMessage(error)).slice(0, MAX_ERROR);

export interface RecorderOptions {
  readonly service: string;
  /** Name of the span of the whole process. */
  readonly name: string;
  /** The span that caused the process. */
  readonly parent: SpanContext | undefined;
  /** Whether calls of the agent request the agent's spans. */
  readonly asksGuest: boolean;
}

/** A span without the fields that all spans of the process share. */
type Recorded = Omit<Span, 'traceId' | 'pid' | 'service'> & Partial<Pick<Span, 'pid' | 'service'>>;

export class SpanRecorder implements Trace {
  readonly #options: RecorderOptions;
  readonly #rootId = newSpanId();
  readonly #active = new AsyncLocalStorage<string>();
  readonly #spans: Recorded[] = [];
  readonly #attributes: Record<string, string> = {};
  #parent: SpanContext | undefined;
  #traceId: string;

  /** The span of the process begins at the start of the process. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#parent = options.parent;
    this.#traceId = options.parent?.traceId ?? newTraceId();
  }

  /** Adds the span of the process to this trace, if the process was started without a parent. */
  continue(parent: SpanContext): void {
    if (this.#parent) return;
    this.#parent = parent;
    this.#traceId = parent.traceId;
  }

  /** Sets attributes of the process's span. */
  describe(attributes: Readonly<Record<string, string>>): void {
    Object.assign(this.#attributes, attributes);
  }

  /** The span of the process, as a `traceparent` of W3C. */
  get root(): string {
    return formatTraceParent({ traceId: this.#traceId, spanId: this.#rootId, isSampled: true });
  }

  /** The span of the running step: the parent for a process or an RPC that the step starts. */
  get current(): string {
    return formatTraceParent({ traceId: this.#traceId, spanId: this.#active.getStore() ?? this.#rootId, isSampled: true });
  }

  step<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    return this.#record(name, 'internal', act);
  }

  async call<T>(name: string, act: (additions: TracedCall) => Promise<T>): Promise<T> {
    if (!this.#options.asksGuest) return this.#record(name, 'client', () => act({}));
    let trailer: string | undefined;
    let spanId = '';
    const beginMs = nowMs();
    try {
      return await this.#record(name, 'client', () => {
        spanId = this.#active.getStore() ?? '';
        return act({
          headers: [[PARENT_VARIABLE.toLowerCase(), this.current]],
          onTrailers: (trailers) => (trailer = trailers.get(SPANS_TRAILER)),
        });
      });
    } finally {
      if (trailer !== undefined) this.#addGuestSpans(trailer, spanId, { beginMs, endMs: nowMs() });
    }
  }

  /** Ends the span of the process. @returns all spans */
  end(error?: unknown): Span[] {
    const { service, name } = this.#options;
    const root: Recorded = {
      spanId: this.#rootId,
      ...(this.#parent && { parentSpanId: this.#parent.spanId }),
      name,
      kind: this.#parent ? 'server' : 'internal',
      beginMs: performance.timeOrigin,
      endMs: nowMs(),
      ...(Object.keys(this.#attributes).length > 0 && { attributes: this.#attributes }),
      ...(error !== undefined && { error: errorText(error) }),
    };
    return [root, ...this.#spans].map((span) => ({ traceId: this.#traceId, service, pid: process.pid, ...span }));
  }

  async #record<T>(name: string, kind: SpanKind, act: () => T | Promise<T>): Promise<T> {
    const [spanId, parentSpanId, beginMs] = [newSpanId(), this.#active.getStore() ?? this.#rootId, nowMs()];
    let failure: { readonly error: string } | undefined;
    try {
      return await this.#active.run(spanId, act);
    } catch (error) {
      failure = { error: errorText(error) };
      throw error;
    } finally {
      this.#add({ spanId, parentSpanId, name, kind, beginMs, endMs: nowMs(), ...failure });
    }
  }

  #add(span: Recorded): void {
    if (this.#spans.length < MAX_SPANS) this.#spans.push(span);
  }

  #addGuestSpans(trailer: string, callId: string, call: { readonly beginMs: number; readonly endMs: number }): void {
    const ids: string[] = [];
    for (const { parent, ...span } of readGuestSpans(trailer, call)) {
      const spanId = newSpanId();
      ids.push(spanId);
      const parentSpanId = parent === undefined ? callId : (ids[parent] ?? callId);
      const kind = parent === undefined ? 'server' : 'internal';
      this.#add({ ...span, spanId, parentSpanId, kind, service: 'kata-agent', pid: 1 });
    }
  }
}
