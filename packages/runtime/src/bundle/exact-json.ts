/** JSON with integers that a JavaScript number cannot hold: RLIM_INFINITY, "unlimited" memory, counters. Pure. */

/** For JSON.parse: integers beyond 2^53 become bigints. */
export function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The same; to Go's programs, and so to engines, `null` says what a missing field says. */
export const withoutNulls = (key: string, value: unknown, context?: { source?: string }): unknown =>
  value === null ? undefined : exactIntegers(key, value, context);

/** Bigints become numbers. They are marked by a character that JSON text holds in its escaped form only. */
export function exactJson(value: unknown): string {
  const marked = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `\0${item}\0` : item));
  return marked.replaceAll(/"\\u0000(-?\d+)\\u0000"/g, '$1');
}
