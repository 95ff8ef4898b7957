/** Spans as OTLP's JSON (opentelemetry-proto, ExportTraceServiceRequest; OTLP specification, "JSON Protobuf Encoding"). Pure. */
import type { Span, SpanKind } from './span.ts';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;
const SCOPE = 'kata-containers';

/** A number holds microseconds since 1970 exactly, but not nanoseconds. */
const nanoseconds = (ms: number): string => `${Math.round(ms * 1000)}000`;

const attributesOf = (values: Readonly<Record<string, string>> = {}): Attribute[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: { stringValue: value } }));

function spanMessage(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, beginMs, endMs, attributes, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(beginMs),
    endTimeUnixNano: nanoseconds(endMs),
    ...(attributes && { attributes: attributesOf(attributes) }),
    ...(error !== undefined && { status: { code: STATUS_ERROR, message: error } }),
  };
}

function resourceMessage([first, ...others]: readonly [Span, ...Span[]], version: string): object {
  const pid: Attribute = { key: 'process.pid', value: { intValue: String(first.pid) } };
  return {
    resource: { attributes: [...attributesOf({ 'service.name': first.service, 'service.version': version }), pid] },
    scopeSpans: [{ scope: { name: SCOPE, version }, spans: [first, ...others].map(spanMessage) }],
  };
}

/** One resource for each process. */
export function otlpMessage(spans: readonly Span[], version: string): object {
  const processes = new Map<string, [Span, ...Span[]]>();
  for (const span of spans) {
    const key = `${span.service} ${span.pid}`;
    const known = processes.get(key);
    if (known) known.push(span);
    else processes.set(key, [span]);
  }
  return { resourceSpans: [...processes.values()].map((group) => resourceMessage(group, version)) };
}
