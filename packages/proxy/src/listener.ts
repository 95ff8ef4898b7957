/** Serves proxy.sock: each connection becomes one yamux stream to the agent. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import type { YamuxStream } from '@kata-containers/common/mux/yamux-stream';
import type { MinorGcPacer } from '@kata-containers/common/process/minor-gc-pacer';
import type { ReadBufferPool } from './read-buffer-pool.ts';

/** Limit of connections: all windows together take at most half a gigabyte. A sandbox has a handful of shims. */
const MAX_CONNECTIONS = 2048;

export interface Relaying {
  readonly session: YamuxSession;
  /** Buffers for the session's bytes. */
  readonly reading: ReadBufferPool;
  /** Counts the bytes from clients, and the bytes that waited for clients. */
  readonly garbage: MinorGcPacer;
  readonly log: Logger;
}

/** Writes one piece at a time and waits for the client. pipe() would queue thousands of small pieces, and does not use the buffer pool. */
function passOn(stream: YamuxStream, client: Socket, { reading, garbage }: Pick<Relaying, 'reading' | 'garbage'>): void {
  let release = (): void => {};
  const onWritten = (): void => {
    if (client.writableLength > 0) return;
    release();
    release = (): void => {};
    stream.resume();
  };
  stream.on('data', (piece: Buffer) => {
    const wasHeld = !reading.isIn(piece);
    if (wasHeld) garbage.count(piece.length);
    client.write(piece, onWritten);
    if (client.writableLength === 0) return; // the kernel has accepted all bytes
    if (!wasHeld) release = reading.keep();
    stream.pause();
  });
  stream.on('end', () => client.end());
}

/**
 * Copies in both directions until both have ended. Each direction ends separately (half-close). An error in one direction ends both.
 * pipeline() of Node would destroy the second direction at the end of the first. `first` is sent before the client's bytes.
 */
export async function relay(client: Socket, { session, reading, garbage, log }: Relaying, first?: Buffer): Promise<void> {
  client.on('error', (error) => log.debug('a client connection failed', { reason: errorMessage(error) }));
  const stream = await session.openStream();
  stream.on('error', (error) => {
    log.debug('a stream failed', { reason: errorMessage(error) });
    if (client.localPort === undefined) client.destroy();
    else client.resetAndDestroy(); // TCP: the end would look like that of a complete answer
  });
  stream.on('close', () => client.destroySoon());
  client.on('close', (hadError) => {
    if (hadError || !client.readableEnded) stream.destroy(new Error('the client has disconnected'));
  });
  client.on('data', (piece) => garbage.count(piece.length));
  if (first) stream.write(first);
  client.pipe(stream);
  passOn(stream, client, { reading, garbage });
}

/** @throws KataError when listening on the address fails */
export async function listen(path: string, relaying: Relaying): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    relay(client, relaying).catch((error: unknown) => {
      relaying.log.warn('no stream could be opened for a client', { reason: errorMessage(error) });
      client.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const umask = process.umask(0o177); // only root may connect, as soon as the socket exists
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (error) {
    throw new KataError(`cannot listen on ${path}`, { cause: error });
  } finally {
    process.umask(umask);
  }
  return server;
}
