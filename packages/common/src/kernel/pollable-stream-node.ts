/**
 * Streams over pollable fds on Node. Node refuses to open character devices as sockets. A libuv Pipe handle accepts every fd that epoll
 * accepts. The class Pipe is internal to Node and has no public name: this file takes the class from a connection.
 */
import { Socket, createConnection } from 'node:net';
import type { PollableOptions } from './pollable-options.ts';

interface PipeHandle {
  open(fd: number): number;
}

let pipeClass: (new (kind: number) => PipeHandle) | undefined;

/**
 * libuv's class Pipe, from a connection to a path that cannot exist. The connection is closed at once. A listening server would load node:cluster
 * and node:child_process: a megabyte, and four milliseconds.
 */
function borrowPipeClass(): new (kind: number) => PipeHandle {
  const socket = createConnection('/dev/null/nobody').on('error', () => {});
  const handle = (socket as unknown as { _handle: { constructor: new (kind: number) => PipeHandle } })._handle;
  socket.destroy();
  return handle.constructor;
}

const SOCKET = 0;

/** Makes `fd` non-blocking. Node resets the flags of stdio at the exit of the process. */
export function openOnNode(fd: number, options: PollableOptions): Socket {
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
