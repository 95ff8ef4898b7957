/** Whether merging still has a gain. Pure. */

/** The kernel's counters of merging. */
export interface Gain {
  /** Rounds through all mergeable memory since boot. */
  readonly fullScans: number;
  /** Bytes saved at present; negative when the bookkeeping costs more than merging saves. */
  readonly savedBytes: number;
}

/**
 * A page is merged when the second visit finds it unchanged. At least two of three rounds that end after a moment began after it:
 * the pages that could be merged at that moment have been merged.
 */
const ROUNDS_TO_JUDGE = 3;
/** Smaller changes are caused by page turnover in running guests. */
const MIN_GAIN_BYTES = 1 << 20;

export type GainVerdict = 'too early' | 'earning' | 'fruitless';

export function judge(since: Gain, now: Gain): GainVerdict {
  if (now.savedBytes - since.savedBytes >= MIN_GAIN_BYTES) return 'earning';
  return now.fullScans - since.fullScans >= ROUNDS_TO_JUDGE ? 'fruitless' : 'too early';
}
