/** The guest's end of a forwarded port: connects to the loopback address, and copies (docs/wire/port-forward.md). */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { PORT_BYTES } from '@kata-containers/common/port-forward/port-forward';

/** As containerd and CRI-O do with runc: IPv4, then IPv6. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const;

/** The bytes after the port stay in the stream. Undefined when the stream ends before the port is complete. */
async function readPort(stream: Duplex): Promise<number | undefined> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < PORT_BYTES) {
    const piece = stream.read() as Buffer | null;
    if (piece !== null) bytes = Buffer.concat([bytes, piece]);
    else if (stream.readableEnded || stream.destroyed) return undefined;
    else await Promise.race(['readable', 'end', 'close'].map((event) => once(stream, event)));
  }
  stream.unshift(bytes.subarray(PORT_BYTES));
  return bytes.readUInt16BE();
}

async function connectTo(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** @throws Error of the last address when none accepts the connection */
async function connectLoopback(port: number): Promise<Socket> {
  let last: unknown;
  for (const host of LOOPBACKS) {
    try {
      return await connectTo(host, port);
    } catch (error) {
      last ??= error; // that of IPv4
    }
  }
  throw last;
}

/** Each direction ends separately (half-close). An error in one direction ends both. */
function join(stream: Duplex, socket: Socket): void {
  if (stream.destroyed) return void socket.resetAndDestroy(); // meanwhile
  socket.on('error', (error) => stream.destroy(error));
  stream.on('error', () => socket.resetAndDestroy());
  stream.on('close', () => socket.destroySoon());
  stream.pipe(socket).pipe(stream);
}

/** `stream` is at the port, after the preface. */
export async function forwardPort(stream: Duplex, log: Logger): Promise<void> {
  try {
    const port = await readPort(stream);
    if (port === undefined) return void stream.destroy();
    join(stream, await connectLoopback(port));
  } catch (error) {
    log.info('a forwarded port has no listener', { reason: errorMessage(error) });
    stream.destroy(error as Error);
  }
}
