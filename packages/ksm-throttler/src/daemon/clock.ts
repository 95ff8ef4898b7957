/** Time as the throttler needs it; a test's passes faster. */
export interface Clock {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** Calls `act` once after `milliseconds`; gives what takes it back. */
  after(milliseconds: number, act: () => void): () => void;
}

/** A clock that goes `speed` times as fast as the machine's. */
export const realClock = (speed: number): Clock => ({
  now: () => performance.now() * speed,
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds / speed);
    return () => clearTimeout(timer);
  },
});
