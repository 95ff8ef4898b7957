/** yamux over a unix socket instead of the serial port, for tests that run the agent on a host. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { AgentServer } from '../service/server.ts';
import { serveConnection } from './serve-connection.ts';

/** Serves until SIGTERM. */
export async function serveUnixSocket(path: string, server: AgentServer, log: Logger): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (connection) => {
    serveConnection(connection, server).catch((error: unknown) => log.warn('a connection failed', { reason: String(error) }));
  });
  listener.listen(path);
  await once(process, 'SIGTERM');
  rmSync(path, { force: true });
  return 0;
}
