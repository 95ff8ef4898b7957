import { once } from 'node:events';
import { createConnection } from 'node:net';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';

/** A whole piece of output fits, so that the guest does not wait for credit in the middle of it. A client that does not read costs as much. */
const WINDOW_BYTES = 1 << 20;

/** Dials QEMU's serial port and speaks yamux over it. The guest need not be up yet. @throws KataError when nobody listens */
export async function connectMux(path: string): Promise<YamuxSession> {
  const connection = createConnection({ path, allowHalfOpen: true });
  try {
    await once(connection, 'connect');
  } catch (error) {
    throw new KataError(`cannot connect to the guest's channel ${path}`, { cause: error });
  }
  return new YamuxSession('client', connection, { windowBytes: WINDOW_BYTES });
}
