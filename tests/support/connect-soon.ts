import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { until } from './until.ts';

/** Connects to a socket whose server may not listen yet: its file exists a moment earlier. The connection allows half-close. */
export async function connectSoon(path: string): Promise<Socket> {
  const found: Socket[] = [];
  await until(`${path} accepts a connection`, async () => {
    const socket = createConnection({ path, allowHalfOpen: true });
    const failed = new Promise<false>((resolve) => socket.on('error', () => resolve(false))); // later ones: the other side ends
    const isConnected = await Promise.race([new Promise<true>((resolve) => socket.once('connect', () => resolve(true))), failed]);
    if (isConnected) found.push(socket);
    return isConnected;
  });
  const [socket] = found;
  if (!socket) throw new Error('unreachable');
  return socket;
}
