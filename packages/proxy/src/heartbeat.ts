import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';

const BEAT_MS = 1000;

/**
 * A yamux ping each second, without waiting for the answer: it gets a stalled serial port going again, and must not end the
 * session of a paused VM. Returns what stops it.
 */
export function startHeartbeat(session: YamuxSession): () => void {
  const timer = setInterval(() => {
    if (!session.congested) session.ping(BEAT_MS).catch(() => {});
  }, BEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}
