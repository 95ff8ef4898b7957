/**
 * Forwards connections to 127.0.0.1 of the pod's network namespace to the same port of the guest's loopback address: engines connect there
 * for `kubectl port-forward` (docs/wire/port-forward.md). Nothing else listens in the namespace, whose processes are in the guest.
 */
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { socketDescriptor } from '@kata-containers/common/kernel/socket-descriptor';
import { encodePortForward } from '@kata-containers/common/port-forward/port-forward';
import type { Relaying } from './listener.ts';
import { relay } from './listener.ts';
import { loopbackProgram } from './loopback-program-plan.ts';

const MAX_CONNECTIONS = 256;
const LOOPBACK = '127.0.0.1';
const NAMESPACE = '/proc/self/ns/net';

type Calls = Pick<Kernel, 'createSocketMap' | 'loadSocketLookup' | 'attachSocketLookup'>;

/** The program stays attached until this process ends: the fd of its link is never closed. */
function steerConnections(socket: number, kernel: Calls): void {
  const open: number[] = [];
  const keep = (fd: number): number => {
    open.push(fd);
    return fd;
  };
  try {
    const map = keep(kernel.createSocketMap(socket));
    const program = keep(kernel.loadSocketLookup(loopbackProgram(map)));
    kernel.attachSocketLookup(keep(openSync(NAMESPACE, 'r')), program);
  } finally {
    open.forEach((fd) => closeSync(fd));
  }
}

/** Call it before the process is confined. @throws KataError when the kernel has no such programs, or in the host's network namespace */
export async function forwardPorts(relaying: Relaying, kernel: Calls): Promise<Server> {
  // All connections to the host's own loopback address would end in the guest.
  if (readlinkSync(NAMESPACE) === readlinkSync('/proc/1/ns/net')) throw new KataError("the network namespace is the host's");
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const { localPort = 0 } = client;
    relay(client, relaying, encodePortForward(localPort)).catch((error: unknown) => {
      relaying.log.warn('no stream could be opened for a forwarded port', { port: localPort, reason: errorMessage(error) });
      client.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  try {
    steerConnections(socketDescriptor(server), kernel);
  } catch (error) {
    server.close();
    throw error;
  }
  return server;
}
