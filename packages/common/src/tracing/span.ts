/** A finished span. Pure. */

export type SpanKind = 'internal' | 'client' | 'server';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** undefined for the first span of a trace. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  readonly beginMs: number;
  readonly endMs: number;
  /** The name of the program that recorded the span: kata-runtime, kata-proxy, kata-shim, kata-agent. */
  readonly service: string;
  readonly pid: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Text of the error with which the work ended. */
  readonly error?: string;
}

const services = ['kata-runtime', 'kata-proxy', 'kata-shim', 'kata-agent'];
const kinds: readonly unknown[] = ['internal', 'client', 'server'];
const isHex = (value: unknown, digits: number): boolean =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
const isText = (value: unknown, most: number): boolean => typeof value === 'string' && value.length <= most;
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value < 1e14;

/** Longest name and longest text of an error, in characters. */
export const MAX_NAME = 64;
export const MAX_ERROR = 256;

/** The name of a step or of an RPC. */
export const isSpanName = (value: unknown): value is string => isText(value, MAX_NAME) && /^[\w ,./:()-]+$/.test(String(value));

/** Checks a span that another process has written. The process may be under the control of a guest. */
export function isSpan(value: unknown): value is Span {
  if (typeof value !== 'object' || value === null) return false;
  const span = value as Partial<Record<keyof Span, unknown>>;
  return (
    isHex(span.traceId, 32) &&
    isHex(span.spanId, 16) &&
    (span.parentSpanId === undefined || isHex(span.parentSpanId, 16)) &&
    isSpanName(span.name) &&
    kinds.includes(span.kind) &&
    isTime(span.beginMs) &&
    isTime(span.endMs) &&
    Number(span.beginMs) <= Number(span.endMs) &&
    services.includes(String(span.service)) &&
    Number.isSafeInteger(span.pid) &&
    span.attributes === undefined &&
    (span.error === undefined || isText(span.error, MAX_ERROR))
  );
}
