/** What a stream over a pollable fd is opened with, and what it is (pollable-stream.ts). */
import type { Duplex } from 'node:stream';

export interface PollableOptions {
  /** An end of a pipe has one direction, and libuv refuses to open it for the other. */
  readonly direction?: 'read' | 'write' | 'both';
  /** One buffer for all reads: virtio_console returns 4 KiB at most, and allocating 64 KiB for each costs more than the read. */
  readonly readBuffer?: Buffer;
  /** With `readBuffer`: receives each piece, valid only during the call. Returns false to pause. */
  readonly onRead?: (piece: Buffer) => boolean;
}

export interface PollableStream extends Duplex {
  /** The stream alone does not keep the process running, where the engine can do that. */
  unref(): unknown;
}
