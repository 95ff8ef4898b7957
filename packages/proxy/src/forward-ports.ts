/**
 * Forwards connections to 127.0.0.1 of the pod's network namespace to the same port of the guest's loopback address: engines connect there
 * for `kubectl port-forward` (docs/wire/port-forward.md). Nothing else listens in the namespace, whose processes are in the guest.
 */
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { acceptConnections } from '@kata-containers/common/kernel/accept-connections-bun';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { socketDescriptor } from '@kata-containers/common/kernel/socket-descriptor';
import { encodePortForward } from '@kata-containers/common/port-forward/port-forward';
import type { Relaying } from './listener.ts';
import { relay } from './listener.ts';
import { loopbackProgram } from './loopback-program-plan.ts';

const MAX_CONNECTIONS = 256;
const NAMESPACE = '/proc/self/ns/net';

type Calls = Pick<Kernel, 'createSocketMap' | 'loadSocketLookup' | 'attachSocketLookup' | 'listenLoopback' | 'localPort' | 'resetOnClose'>;

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
export function forwardPorts(relaying: Relaying, kernel: Calls): () => void {
  const { log } = relaying;
  // All connections to the host's own loopback address would end in the guest.
  if (readlinkSync(NAMESPACE) === readlinkSync('/proc/1/ns/net')) throw new KataError("the network namespace is the host's");
  const forward = (client: PollableStream): void => {
    const socket = socketDescriptor(client);
    const port = kernel.localPort(socket);
    const abort = (): void => {
      if (!client.destroyed) kernel.resetOnClose(socket); // an end would look like that of a complete answer
      client.destroy();
    };
    relay(client, relaying, { first: encodePortForward(port), abort }).catch((error: unknown) => {
      log.warn('no stream could be opened for a forwarded port', { port, reason: errorMessage(error) });
      client.destroy();
    });
  };
  const socket = kernel.listenLoopback(MAX_CONNECTIONS);
  const close = acceptConnections(socket, {
    most: MAX_CONNECTIONS,
    onConnection: forward,
    onError: (error) => log.warn('a forwarded connection is not accepted', { reason: errorMessage(error) }),
  });
  try {
    steerConnections(socket, kernel);
  } catch (error) {
    close();
    throw error;
  }
  return close;
}
