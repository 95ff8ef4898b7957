/** yamux over one connection to the host; each stream is one gRPC connection, a DNS relay, or the connection of a forwarded port. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { YamuxSession } from '@kata-containers/common/mux/yamux-session';
import type { AgentServer } from '../service/server.ts';
import { fixAuthority } from './authority-fix.ts';
import { recogniseStream } from './recognise-stream.ts';

/** Serves until the connection ends. @returns the error that ended it, if one did */
export async function serveConnection(connection: Duplex, server: AgentServer): Promise<Error | undefined> {
  const session = new YamuxSession('server', connection, {
    onStream: (stream) => {
      const leaveBytes = fixAuthority(stream);
      recogniseStream(stream, (kind) => {
        if (kind === 'grpc') return server.accept(stream);
        leaveBytes();
        if (kind === 'dns relay') server.relayDns(stream);
        else server.forwardPort(stream);
      });
    },
  });
  const [reason] = (await once(session as unknown as NodeJS.EventEmitter, 'shutdown')) as [Error | undefined];
  return reason;
}
