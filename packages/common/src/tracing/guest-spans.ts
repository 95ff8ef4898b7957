/**
 * The agent's spans of one RPC. The agent reports them in a trailer of the answer, if the call had the header `traceparent`. The guest's
 * clock may differ from the host's and is not trusted, so all times in the trailer are relative to the request's arrival. Pure.
 */
import { isSpanName } from './span.ts';

/** The trailer's name. An agent of 1.x never sends it. */
export const SPANS_TRAILER = 'kata-spans';

export interface GuestSpan {
  readonly name: string;
  /** Index of the parent in the list; the first span is the request's and has no parent. */
  readonly parent?: number;
  readonly beginMs: number;
  readonly endMs: number;
}

/** Limits of one answer: spans, and characters of the trailer. */
export const MAX_GUEST_SPANS = 32;
const MAX_TRAILER = 4096;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** `[[name, parent, begin, duration], …]` in ASCII, milliseconds. Spans that exceed the limits are left out. */
export function writeGuestSpans(spans: readonly GuestSpan[]): string {
  const rows = spans
    .slice(0, MAX_GUEST_SPANS)
    .map(({ name, parent = -1, beginMs, endMs }) => [name, parent, rounded(beginMs), rounded(endMs - beginMs)]);
  while (rows.length > 1 && JSON.stringify(rows).length > MAX_TRAILER) rows.pop();
  return JSON.stringify(rows);
}

interface Interval {
  readonly beginMs: number;
  readonly endMs: number;
}

function readRow(row: unknown, index: number): GuestSpan | undefined {
  if (!Array.isArray(row)) return undefined;
  const [name, parent, begin, duration] = row as unknown[];
  const isParent = index === 0 ? parent === -1 : Number.isSafeInteger(parent) && Number(parent) >= 0 && Number(parent) < index;
  if (!isSpanName(name) || !isParent || typeof begin !== 'number' || typeof duration !== 'number') return undefined;
  if (!(begin >= 0 && duration >= 0 && Number.isFinite(begin + duration))) return undefined;
  return { name, ...(index > 0 && { parent: Number(parent) }), beginMs: begin, endMs: begin + duration };
}

function parseRows(text: string): unknown[] {
  if (text.length > MAX_TRAILER) return [];
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) ? rows.slice(0, MAX_GUEST_SPANS) : [];
  } catch {
    return [];
  }
}

/**
 * Reads the trailer and places its spans in the middle of the call, as if request and answer had the same latency. No span is outside
 * of the call. @returns the spans before the first malformed one
 */
export function readGuestSpans(text: string, call: Interval): GuestSpan[] {
  const spans: GuestSpan[] = [];
  for (const [index, row] of parseRows(text).entries()) {
    const span = readRow(row, index);
    if (!span) break;
    spans.push(span);
  }
  const length = call.endMs - call.beginMs;
  const start = call.beginMs + Math.max(0, (length - (spans[0]?.endMs ?? 0)) / 2);
  const place = (ms: number): number => Math.min(start + ms, call.endMs);
  return spans.map((span) => ({ ...span, beginMs: place(span.beginMs), endMs: place(span.endMs) }));
}
