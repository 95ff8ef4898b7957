/** Repeating, timing, and the median: one noisy run says nothing. */

/** Milliseconds that each of `times` runs took. */
export async function timeRuns(times: number, act: () => Promise<unknown>): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let run = 0; run < times; run++) {
    const start = performance.now();
    await act();
    milliseconds.push(performance.now() - start);
  }
  return milliseconds;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
