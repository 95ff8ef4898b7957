/** Milliseconds on a monotonic clock. The global `performance` would load node:perf_hooks. */
export const monotonicMs = (): number => process.uptime() * 1000;
