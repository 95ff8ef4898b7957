/** Longest delay of setTimeout, in milliseconds: a longer timer fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
