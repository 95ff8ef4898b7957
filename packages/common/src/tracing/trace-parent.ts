/** Identifies a span of a trace, in the format of the environment variable TRACEPARENT and the header `traceparent` (W3C Trace Context, 3.2). */
import { randomBytes } from '../random/random-bytes.ts';

export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the caller records the trace. */
  readonly isSampled: boolean;
}

/** Name of the environment variable and, in lower case, of the header. */
export const PARENT_VARIABLE = 'TRACEPARENT';

const SAMPLED = 1;

/** Returns undefined for a text that is not valid. Additional fields of later versions are ignored. */
export function parseTraceParent(text: string | undefined): SpanContext | undefined {
  const match = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text ?? '');
  if (!match) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = match;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

export const formatTraceParent = ({ traceId, spanId, isSampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

export const newTraceId = (): string => randomBytes(16).toString('hex');
export const newSpanId = (): string => randomBytes(8).toString('hex');
