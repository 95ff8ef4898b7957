/** Arithmetic of what was measured. Pure. */

/** The middle value: one noisy run says nothing. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** How often `of` goes into `value`; undefined when one of them is missing, or `of` is nothing. */
export const ratio = (value: number | undefined, of: number | undefined): number | undefined =>
  value === undefined || of === undefined || of === 0 ? undefined : value / of;
