/** Options and type of a stream over a pollable fd (pollable-stream.ts). */
import type { Duplex } from 'node:stream';

export interface PollableOptions {
  /** Directions. An end of a pipe has one direction, and libuv refuses to open it for the other direction. */
  readonly direction?: 'read' | 'write' | 'both';
  /** One buffer for all reads: virtio_console returns 4 KiB at most, and allocating 64 KiB for each costs more than the read. */
  readonly readBuffer?: Buffer;
  /** With `readBuffer`: receives each piece, valid only during the call. Returns false to pause. */
  readonly onRead?: (piece: Buffer) => boolean;
}

export interface PollableStream extends Duplex {
  /** The stream does not keep the process running, if the JS engine supports that. */
  unref(): unknown;
}
