import type { Duplex } from 'node:stream';

/** The fd of a connection of node:net, for what the engine cannot do with it: sending and receiving fds (unix(7)). */
export function socketDescriptor(connection: Duplex): number {
  const { _handle: handle } = connection as unknown as { readonly _handle: { readonly fd: number } | null };
  if (!handle) throw new Error('the connection is closed');
  return handle.fd;
}
