/** Serves proxy.sock: each connection becomes one yamux stream to the agent. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { acceptConnections } from '@kata-containers/common/kernel/accept-connections-bun';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import type { YamuxStream } from '@kata-containers/common/mux/yamux-stream';
import type { MinorGcPacer } from '@kata-containers/common/process/minor-gc-pacer';
import type { ReadBufferPool } from './read-buffer-pool.ts';

/** Limit of connections: all windows together take at most half a gigabyte. A sandbox has a handful of shims. */
const MAX_CONNECTIONS = 2048;
/** Connections that wait to be accepted: as many as Node allows. */
const BACKLOG = 511;

export interface Relaying {
  readonly session: YamuxSession;
  /** Buffers for the session's bytes. */
  readonly reading: ReadBufferPool;
  /** Counts the bytes from clients, and the bytes that waited for clients. */
  readonly garbage: MinorGcPacer;
  readonly log: Logger;
}

/** Writes one piece at a time and waits for the client. pipe() would queue thousands of small pieces, and does not use the buffer pool. */
function passOn(stream: YamuxStream, client: PollableStream, { reading, garbage }: Pick<Relaying, 'reading' | 'garbage'>): void {
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

/** Closes the connection once everything has been written. */
function destroySoon(client: PollableStream): void {
  if (client.writableFinished || !client.writable) client.destroy();
  else client.end(() => client.destroy());
}

/**
 * Copies in both directions until both have ended. Each direction ends separately (half-close). An error in one direction ends both.
 * pipeline() of Node would destroy the second direction at the end of the first. `first` is sent before the client's bytes; `abort` ends a
 * connection whose stream has failed.
 */
export async function relay(
  client: PollableStream,
  { session, reading, garbage, log }: Relaying,
  { first, abort = () => client.destroy() }: { readonly first?: Buffer; readonly abort?: () => void } = {},
): Promise<void> {
  client.on('error', (error) => log.debug('a client connection failed', { reason: errorMessage(error) }));
  const stream = await session.openStream();
  stream.on('error', (error) => {
    log.debug('a stream failed', { reason: errorMessage(error) });
    abort();
  });
  stream.on('close', () => destroySoon(client));
  client.on('close', () => {
    if (client.errored || !client.readableEnded) stream.destroy(new Error('the client has disconnected'));
  });
  if (first) stream.write(first);
  // Not by pipe(), which looks at process.stdout: Bun would open it a second time, and make it non-blocking.
  client.on('data', (piece: Buffer) => {
    garbage.count(piece.length);
    if (!stream.write(piece)) client.pause();
  });
  stream.on('drain', () => client.resume());
  client.on('end', () => stream.end());
  passOn(stream, client, { reading, garbage });
}

/** @returns a function that stops listening. @throws KernelError when listening on the address fails */
export function listen(path: string, relaying: Relaying, kernel: Pick<Kernel, 'listenUnix'>): () => void {
  const { log } = relaying;
  const umask = process.umask(0o177); // only root may connect, as soon as the socket exists
  let socket: number;
  try {
    socket = kernel.listenUnix(path, BACKLOG);
  } finally {
    process.umask(umask);
  }
  return acceptConnections(socket, {
    most: MAX_CONNECTIONS,
    onConnection: (client) => {
      relay(client, relaying).catch((error: unknown) => {
        log.warn('no stream could be opened for a client', { reason: errorMessage(error) });
        client.destroy();
      });
    },
    onError: (error) => log.warn('no client can be accepted', { reason: errorMessage(error) }),
  });
}
