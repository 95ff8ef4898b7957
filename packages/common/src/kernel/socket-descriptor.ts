import type { Duplex } from 'node:stream';

/** The fd of a node:net connection, for operations that the engine lacks: sending and receiving fds (unix(7)). */
export function socketDescriptor(connection: Duplex): number {
  const { _handle: handle } = connection as unknown as { readonly _handle: { readonly fd: number } | null };
  if (!handle) throw new Error('the connection is closed');
  return handle.fd;
}
