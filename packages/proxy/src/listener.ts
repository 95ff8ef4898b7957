/** proxy.sock: each connection is one yamux stream to the agent. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { YoungGarbage } from '@kata-containers/common/process/young-garbage';
import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';

/** Half a gigabyte of windows at the most; a sandbox has a handful of shims. */
const MAX_CONNECTIONS = 2048;

export interface Relaying {
  readonly session: YamuxSession;
  /** Counts what clients send. */
  readonly garbage: YoungGarbage;
  readonly log: Logger;
}

/**
 * Copies both ways until both are done. Each direction ends by itself (half-close); an error in one ends both. Node's
 * pipeline() is not used because it destroys the other direction at the first end.
 */
async function relay(client: Socket, { session, garbage, log }: Relaying): Promise<void> {
  client.on('error', (error) => log.debug('a client connection broke', { reason: errorMessage(error) }));
  const stream = await session.openStream();
  stream.on('error', (error) => {
    log.debug('a stream broke', { reason: errorMessage(error) });
    client.destroy();
  });
  stream.on('close', () => client.destroySoon());
  client.on('close', (hadError) => {
    if (hadError || !client.readableEnded) stream.destroy(new Error('the client is gone'));
  });
  client.on('data', (piece) => garbage.count(piece.length));
  client.pipe(stream);
  stream.pipe(client);
}

/** @throws KataError when the address cannot be listened on */
export async function listen(path: string, relaying: Relaying): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    relay(client, relaying).catch((error: unknown) => {
      relaying.log.warn('no stream for a client', { reason: errorMessage(error) });
      client.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const umask = process.umask(0o177); // the socket is for root alone from its first moment
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
