/**
 * Any pollable fd as a stream: virtio ports, pty masters, netlink sockets. Node refuses to open character devices as
 * sockets, but a libuv Pipe handle accepts every fd that epoll accepts: no thread pool, no polling. The Pipe class is internal to
 * Node and is taken from a connection, because it has no public name.
 */
import { fstatSync } from 'node:fs';
import { Socket, createConnection } from 'node:net';

interface PipeHandle {
  open(fd: number): number;
}

let pipeClass: (new (kind: number) => PipeHandle) | undefined;

/**
 * libuv's Pipe class, from a connection to a path that cannot exist, which is closed at once. A listening server would load node:cluster
 * and node:child_process: a megabyte, and four milliseconds.
 */
function borrowPipeClass(): new (kind: number) => PipeHandle {
  const socket = createConnection('/dev/null/nobody').on('error', () => {});
  const handle = (socket as unknown as { _handle: { constructor: new (kind: number) => PipeHandle } })._handle;
  socket.destroy();
  return handle.constructor;
}

const SOCKET = 0;

export interface PollableOptions {
  /** An end of a pipe has one direction, and libuv refuses to open it for the other. */
  readonly direction?: 'read' | 'write' | 'both';
  /** One buffer for all reads: virtio_console returns 4 KiB at most, and allocating 64 KiB for each costs more than the read. */
  readonly readBuffer?: Buffer;
  /** With `readBuffer`: receives each piece, valid only during the call. Returns false to pause. */
  readonly onRead?: (piece: Buffer) => boolean;
}

/**
 * A duplex stream over `fd`, which it makes non-blocking, owns and closes.
 * @throws Error when epoll does not accept the fd (regular files)
 */
export function openPollableStream(fd: number, options: PollableOptions = {}): Socket {
  const kind = fstatSync(fd);
  // libuv aborts the process when epoll refuses an fd.
  if (kind.isFile() || kind.isDirectory()) throw new Error(`fd ${fd} cannot be polled`);
  pipeClass ??= borrowPipeClass();
  const handle = new pipeClass(SOCKET);
  const result = handle.open(fd);
  if (result !== 0) throw new Error(`fd ${fd} cannot be polled (uv error ${result})`);
  const { readBuffer, onRead, direction = 'both' } = options;
  const onread =
    readBuffer && onRead
      ? { buffer: readBuffer, callback: (length: number, buffer: Uint8Array) => onRead(asBuffer(buffer, length)) }
      : undefined;
  const settings = {
    handle,
    readable: direction !== 'write',
    writable: direction !== 'read',
    allowHalfOpen: true,
    ...(onread && { onread }),
  };
  return new Socket(settings as unknown as ConstructorParameters<typeof Socket>[0]);
}

function asBuffer(bytes: Uint8Array, length: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length);
}
