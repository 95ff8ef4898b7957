/** A timer of Node for longer ends at once (setTimeout). In milliseconds. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
