/**
 * serialport's stream over a virtio port. The library's own data path calls the binding for each read and joins writes, which takes most
 * of the time in an emulated guest. Here one turn of the event loop joins all the pages that were read into one piece, and writes are
 * passed on unchanged.
 */
import { once } from 'node:events';
import { SerialPortStream } from '@serialport/stream';
import { virtioPortBinding } from './virtio-port-binding.ts';
import type { VirtioPort } from './virtio-port-binding.ts';

/** Most bytes in one piece: more than one turn reads (READS_A_TURN of common/kernel/pollable-stream-bun.ts). */
const PIECE_BYTES = 256 << 10;

type Callback = (error: Error | null) => void;

export class VirtioPortStream extends SerialPortStream {
  readonly #gathered = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #length = 0;

  /** Resolves once the host has connected. The library requires a speed, which has no effect. */
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
    // The reader is a yamux session, whose windows bound the bytes that arrive: no back-pressure is needed here.
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

  /** The port is exclusive: it must be closed before it can be opened again. */
  override _destroy(error: Error | null, callback: Callback): void {
    this.#port.socket.destroy();
    callback(error);
  }
}
