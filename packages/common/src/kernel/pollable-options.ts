/** Options and type of a stream over a pollable fd (pollable-stream.ts). */
import type { Duplex } from 'node:stream';

export interface PollableOptions {
  /** Directions. An end of a pipe has one direction, and libuv refuses to open it for the other direction. */
  readonly direction?: 'read' | 'write' | 'both';
  /**
   * The buffer of all reads, or a function that returns the buffer of the next read: virtio_console returns 4 KiB at most, and allocating
   * 64 KiB for each read costs more than the read.
   */
  readonly readBuffer?: Buffer | (() => Buffer);
  /** With `readBuffer`: receives each piece, valid only during the call. Returns false to pause. */
  readonly onRead?: (piece: Buffer) => boolean;
}

export interface PollableStream extends Duplex {
  /** The stream does not keep the process running, if the JS engine supports that. */
  unref(): unknown;
}
