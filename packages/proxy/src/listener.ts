/** proxy.sock: each connection is one yamux stream to the agent. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { YoungGarbage } from '@kata-containers/common/process/young-garbage';
import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';

/** Half a gigabyte of windows at the most; a sandbox has a handful of shims. */
const MAX_CONNECTIONS = 2048;

/** Bytes after which their buffers are collected: what they may take of memory at a time. */
const COLLECT_BYTES = 2 << 20;
const garbage = new YoungGarbage(COLLECT_BYTES);

/**
 * Copies both ways until both are done. Each direction ends by itself (half-close); an error in one ends both. Node's
 * pipeline() is not used because it destroys the other direction at the first end.
 */
async function relay(client: Socket, session: YamuxSession, log: Logger): Promise<void> {
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
  for (const end of [client, stream]) end.on('data', (piece: Buffer) => garbage.count(piece.length));
  client.pipe(stream);
  stream.pipe(client);
}

/** @throws KataError when the address cannot be listened on */
export async function listen(path: string, session: YamuxSession, log: Logger): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    relay(client, session, log).catch((error: unknown) => {
      log.warn('no stream for a client', { reason: errorMessage(error) });
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
