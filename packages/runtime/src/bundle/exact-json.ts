/** JSON with integers that a JavaScript number cannot hold: RLIM_INFINITY, "unlimited" memory, counters. Pure. */

/** For JSON.parse: integers beyond 2^53 become bigints. */
export function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The same, without `null` values: Go's programs, and therefore engines, treat `null` as a missing field. */
export const withoutNulls = (key: string, value: unknown, context?: { source?: string }): unknown =>
  value === null ? undefined : exactIntegers(key, value, context);

/** ECMAScript's JSON.rawJSON, which the type declarations do not have yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** Bigints become numbers. */
export const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJSON(String(item)) : item));
