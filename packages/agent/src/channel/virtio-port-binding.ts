/**
 * A virtio console port as a binding for serialport's stream. serialport's own binding sets line speeds, which such a port
 * refuses; this one only reads and writes, by epoll.
 */
import { closeSync, constants, openSync, write } from 'node:fs';
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import { FLAGS, TYPES, encodeHeader } from '@kata-containers/common/mux/frame';

/**
 * Bytes of one read: at most what the driver gives (a page, drivers/char/virtio_console.c). A read that fills its buffer
 * is followed by the next at once, one that does not by a turn of the event loop.
 */
const READ_BYTES = 4096;

/**
 * Waits until the host has opened its end: until then a blocking write sleeps in the driver, in one thread of the pool. It writes a
 * yamux ping, whose answer is ignored. The port is never reopened afterwards: the driver would discard the bytes that the host has
 * sent.
 */
function waitForHost(fd: number): Promise<void> {
  const ping = encodeHeader({ type: TYPES.Ping, flags: FLAGS.SYN, streamId: 0, length: 0 });
  return new Promise((resolve, reject) => write(fd, ping, (error) => (error ? reject(error) : resolve())));
}

/** What serialport's stream passes to a binding's `open` (@serialport/bindings-interface, whose types do not resolve for ESM). */
export interface PortOptions {
  readonly path: string;
  readonly baudRate: number;
}

/** An open port. It is a BindingPortInterface of serialport except that it has no read: it calls `onBytes` with each piece that arrives. */
export class VirtioPort {
  readonly openOptions: PortOptions;
  readonly socket: PollableStream;
  /** Called with each piece, which is valid only during the call. */
  onBytes: (piece: Buffer) => void = () => {};

  constructor(fd: number, openOptions: PortOptions) {
    this.openOptions = openOptions;
    const onRead = (piece: Buffer): boolean => {
      this.onBytes(piece);
      return true;
    };
    this.socket = openPollableStream(fd, { readBuffer: Buffer.allocUnsafeSlow(READ_BYTES), onRead });
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  write(buffer: Buffer): Promise<void> {
    return new Promise((resolve, reject) => this.socket.write(buffer, (error) => (error ? reject(error) : resolve())));
  }

  close(): Promise<void> {
    this.socket.destroy();
    return Promise.resolve();
  }

  drain = (): Promise<void> => Promise.resolve();
  flush = (): Promise<void> => Promise.resolve();
  set = (): Promise<void> => Promise.resolve();
  update = (): Promise<void> => Promise.resolve();
  getBaudRate = (): Promise<{ baudRate: number }> => Promise.resolve({ baudRate: this.openOptions.baudRate });
  get = (): Promise<{ cts: boolean; dsr: boolean; dcd: boolean }> => Promise.resolve({ cts: true, dsr: true, dcd: true });
}

/** Ports are found by name in sysfs, not listed. */
export const virtioPortBinding = {
  list: (): Promise<never[]> => Promise.resolve([]),
  async open(options: PortOptions): Promise<VirtioPort> {
    const fd = openSync(options.path, constants.O_RDWR | constants.O_NOCTTY);
    try {
      await waitForHost(fd);
      return new VirtioPort(fd, options);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  },
};
