import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';

const BEAT_MS = 1000;

/**
 * Sends a yamux ping each second without waiting for the answer: a ping unblocks a stalled serial port, and a paused VM must not lose
 * its session. @returns a function that stops it
 */
export function startHeartbeat(session: YamuxSession): () => void {
  const timer = setInterval(() => {
    if (!session.congested) session.ping(BEAT_MS).catch(() => {});
  }, BEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}
