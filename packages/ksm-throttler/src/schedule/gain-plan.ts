/** Whether merging still earns anything. Pure. */

/** What the kernel says about merging so far. */
export interface Gain {
  /** Rounds through all mergeable memory since boot. */
  readonly fullScans: number;
  /** Bytes saved at present; negative when the bookkeeping costs more than merging saves. */
  readonly savedBytes: number;
}

/**
 * A page is merged when a second visit finds it as the first left it. Of three rounds that end after a moment, at least two
 * were whole ones: what there was to merge at that moment has been merged.
 */
export const ROUNDS_TO_JUDGE = 3;
/** Less than this is what the coming and going of pages in running guests makes. */
export const MIN_GAIN_BYTES = 1 << 20;

export type Verdict = 'too early' | 'earning' | 'fruitless';

export function judge(since: Gain, now: Gain): Verdict {
  if (now.savedBytes - since.savedBytes >= MIN_GAIN_BYTES) return 'earning';
  return now.fullScans - since.fullScans >= ROUNDS_TO_JUDGE ? 'fruitless' : 'too early';
}
