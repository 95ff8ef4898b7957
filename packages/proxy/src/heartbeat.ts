import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';

const BEAT_MS = 1000;
/** The interval of a session without traffic. */
const LONGEST_BEAT_MS = 32_000;

/**
 * Sends yamux pings without waiting for the answers: a ping unblocks a stalled serial port, and a paused VM must not lose its session. A
 * ping is sent each second while streams are used. Without traffic the interval doubles with each ping, because a ping wakes up QEMU and the
 * guest. @returns a function that stops it
 */
export function startHeartbeat(session: Pick<YamuxSession, 'ping' | 'congested' | 'onceTraffic'>): () => void {
  let timer: NodeJS.Timeout;
  let intervalMs = BEAT_MS;
  let isUsed = true;
  const wait = (): void => {
    timer = setTimeout(beat, intervalMs);
    timer.unref();
  };
  const onTraffic = (): void => {
    isUsed = true;
    if (intervalMs === BEAT_MS) return;
    intervalMs = BEAT_MS;
    clearTimeout(timer);
    wait();
  };
  function beat(): void {
    if (!session.congested) session.ping(BEAT_MS).catch(() => {});
    intervalMs = isUsed ? BEAT_MS : Math.min(2 * intervalMs, LONGEST_BEAT_MS);
    isUsed = false;
    session.onceTraffic(onTraffic);
    wait();
  }
  wait();
  return () => clearTimeout(timer);
}
