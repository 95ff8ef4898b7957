/**
 * serialport's stream over a virtio port. Its own data path asks the binding for each read and joins what it writes; in an
 * emulated guest that is most of the time. Here a turn of the event loop makes one piece out of all the pages that were read,
 * and what is written goes out as it is.
 */
import { once } from 'node:events';
import { SerialPortStream } from '@serialport/stream';
import { virtioPortBinding } from './virtio-port-binding.ts';
import type { VirtioPort } from './virtio-port-binding.ts';

/** Most bytes in one piece: what one turn reads (libuv reads 32 times before it looks at others), with room. */
const PIECE_BYTES = 256 << 10;

type Callback = (error: Error | null) => void;

export class VirtioPortStream extends SerialPortStream {
  readonly #gathered = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #length = 0;

  /** Resolves once the host has connected. A serial port has a speed for the library's sake only. */
  static async open(path: string): Promise<VirtioPortStream> {
    const options = { binding: virtioPortBinding, path, baudRate: 115200, autoOpen: false, highWaterMark: PIECE_BYTES };
    const stream = new VirtioPortStream(options as never);
    stream.open();
    await once(stream, 'open');
    stream.#attach();
    return stream;
  }

  get #port(): VirtioPort {
    return this.port as unknown as VirtioPort;
  }

  #attach(): void {
    const { socket } = this.#port;
    this.#port.onBytes = (piece) => this.#gather(piece);
    socket.on('error', (error) => this.destroy(error));
    socket.on('end', () => {
      this.#flush();
      this.push(null);
    });
    socket.on('close', () => this.destroy());
    socket.resume();
  }

  #gather(piece: Buffer): void {
    if (this.#length + piece.length > PIECE_BYTES) this.#flush();
    if (this.#length === 0) setImmediate(() => this.#flush());
    piece.copy(this.#gathered, this.#length);
    this.#length += piece.length;
  }

  #flush(): void {
    if (this.#length === 0) return;
    const piece = Buffer.from(this.#gathered.subarray(0, this.#length));
    this.#length = 0;
    // The reader is a yamux session, which bounds what comes by its windows: nothing here needs to wait for it.
    this.push(piece);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding | undefined, callback: Callback): void {
    this.#port.socket.write(chunk, (error) => callback(error ?? null));
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    const { socket } = this.#port;
    socket.cork();
    for (const [index, { chunk }] of chunks.entries())
      socket.write(chunk, index === chunks.length - 1 ? (error) => callback(error ?? null) : undefined);
    socket.uncork();
  }

  /** The port is exclusive: it can be opened again only once it was closed. */
  override _destroy(error: Error | null, callback: Callback): void {
    this.#port.socket.destroy();
    callback(error);
  }
}
