/**
 * grpc-js's server with HTTP/2 windows (RFC 9113, section 6.9) that hold a whole piece of input. grpc-js has no option for that: with
 * HTTP/2's default of 64 KiB each 32 KiB of stdin wait for a window update from the guest.
 */
import type { Http2Server } from 'node:http2';
import { Server } from '@grpc/grpc-js';
import type { ServerCredentials, ServerOptions } from '@grpc/grpc-js';

/** The server sends window updates when half of a window is used: a single request of 1 MiB causes none. */
const STREAM_WINDOW = 4 << 20;
const CONNECTION_WINDOW = 8 << 20;

/** A private member of grpc-js's Server: creates the HTTP/2 server of a port or an injector. */
interface Hidden {
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

const HiddenServer = Server as unknown as new (options: ServerOptions) => Pick<Server, 'addService' | 'createConnectionInjector'> & Hidden;

export class LargeWindowServer extends HiddenServer {
  override createHttp2Server(credentials: ServerCredentials): Http2Server {
    const server = super.createHttp2Server(credentials);
    server.updateSettings({ initialWindowSize: STREAM_WINDOW });
    server.on('session', (session) => session.setLocalWindowSize(CONNECTION_WINDOW));
    return server;
  }
}
