import type { Duplex } from 'node:stream';

/** The fd of a connection, for operations that streams lack: sending and receiving fds (unix(7)). */
export function socketDescriptor(socket: Duplex): number {
  const { fd, _handle: handle } = socket as unknown as { readonly fd?: number; readonly _handle?: { readonly fd: number } | null };
  const found = fd ?? handle?.fd; // a pollable stream on Bun, and a connection of node:net
  if (found === undefined || socket.destroyed) throw new Error('the socket is closed');
  return found;
}
