/** Milliseconds on a clock that is never set. The global `performance` would do, and load node:perf_hooks for it. */
export const monotonicMs = (): number => process.uptime() * 1000;
