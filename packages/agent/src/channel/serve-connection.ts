/** yamux over one connection to the host; each stream is one gRPC connection, or a DNS relay. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import type { AgentServer } from '../service/server.ts';
import { fixAuthority } from './authority-fix.ts';
import { recogniseStream } from './recognise-stream.ts';

/** A whole piece of input fits, so that the host does not wait for credit in the middle of it. */
const WINDOW_BYTES = 1 << 20;

/** Until the connection ends. Gives the reason when it ended by an error. */
export async function serveConnection(connection: Duplex, server: AgentServer): Promise<Error | undefined> {
  const session = new YamuxSession('server', connection, {
    windowBytes: WINDOW_BYTES,
    onStream: (stream) => {
      const leaveBytes = fixAuthority(stream);
      recogniseStream(stream, (kind) => {
        if (kind === 'grpc') return server.accept(stream);
        leaveBytes();
        server.relayDns(stream);
      });
    },
  });
  const [reason] = (await once(session as unknown as NodeJS.EventEmitter, 'shutdown')) as [Error | undefined];
  return reason;
}
