/** The throttler's clock; tests pass a faster one. */
export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls `act` once after `milliseconds`. @returns a function that cancels it */
  after(milliseconds: number, act: () => void): () => void;
}

/** A clock that runs `speed` times as fast as the machine's. */
export const realClock = (speed: number): Clock => ({
  now: () => performance.now() * speed,
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds / speed);
    return () => clearTimeout(timer);
  },
});
