import { setTimeout as sleep } from 'node:timers/promises';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { PollableOptions, PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { connectUnix } from '@kata-containers/common/kernel/unix-connection';
import type { Logger } from '@kata-containers/common/logging/logger';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import type { ReadBufferPool } from './read-buffer-pool.ts';

/**
 * Window of a stream: one block of output, so that the guest does not wait for a window update within a block. A client that does not
 * read takes up to this much memory of the proxy.
 */
const WINDOW_BYTES = 1 << 20;

/** Timeout for the socket: the runtime starts the proxy together with QEMU, and QEMU creates the socket later. */
const DIAL_TIMEOUT_MS = 3000;
const RETRY_MS = 10;

async function dial(path: string, options: PollableOptions): Promise<PollableStream> {
  const deadline = monotonicMs() + DIAL_TIMEOUT_MS;
  for (;;) {
    try {
      return connectUnix(path, options);
    } catch (error) {
      if (monotonicMs() > deadline) throw new KataError(`cannot connect to the guest's channel ${path}`, { cause: error });
    }
    await sleep(RETRY_MS);
  }
}

/** Connects to QEMU's serial port and opens a yamux session. The guest may still be booting. @throws KataError when no process listens */
export async function connectMux(path: string, reading: ReadBufferPool, log: Logger): Promise<YamuxSession> {
  const onRead = (piece: Buffer): boolean => {
    session.receive(piece);
    return true;
  };
  const connection = await dial(path, { readBuffer: () => reading.next(), onRead });
  // Reading begins one turn of the event loop after the connection.
  const session = new YamuxSession('client', connection, {
    windowBytes: WINDOW_BYTES,
    onRefusal: (count) => {
      // Only the 1st, 2nd, 4th, 8th … are logged: a guest must not fill the log.
      if ((count & (count - 1)) === 0) log.warn('streams that the guest opened were refused', { component: 'yamux', count });
    },
  });
  return session;
}
