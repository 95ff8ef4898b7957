import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import type { YoungGarbage } from '@kata-containers/common/process/young-garbage';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';

/** A whole piece of output fits, so that the guest does not wait for credit in the middle of it. A client that does not read costs as much. */
const WINDOW_BYTES = 1 << 20;

/** The runtime starts us together with QEMU, which makes the socket a moment later. */
const DIAL_TIMEOUT_MS = 3000;
const RETRY_MS = 10;

async function dial(path: string): Promise<Socket> {
  const deadline = monotonicMs() + DIAL_TIMEOUT_MS;
  for (;;) {
    const connection = createConnection({ path, allowHalfOpen: true });
    try {
      await once(connection, 'connect');
      return connection;
    } catch (error) {
      connection.destroy();
      if (monotonicMs() > deadline) throw new KataError(`cannot connect to the guest's channel ${path}`, { cause: error });
    }
    await sleep(RETRY_MS);
  }
}

/** Dials QEMU's serial port and speaks yamux over it. The guest need not be up yet. `garbage` counts what it sends. @throws KataError when nobody listens */
export async function connectMux(path: string, garbage: YoungGarbage, log: Logger): Promise<YamuxSession> {
  const connection = await dial(path);
  connection.on('data', (piece) => garbage.count(piece.length));
  return new YamuxSession('client', connection, {
    windowBytes: WINDOW_BYTES,
    onRefusal: (count) => {
      // Told of the 1st, 2nd, 4th, 8th …: a guest must not fill our log.
      if ((count & (count - 1)) === 0) log.warn('the guest opens streams, which are refused', { component: 'yamux', count });
    },
  });
}
