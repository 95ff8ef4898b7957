import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';

/** The fd of a node:net connection or server, for operations that the engine lacks: sending and receiving fds (unix(7)), bpf(2). */
export function socketDescriptor(socket: Duplex | Server): number {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } | null };
  if (!handle) throw new Error('the socket is closed');
  return handle.fd;
}
