/**
 * Standard streams of one process. Output is pulled: what the host does not read stays in the pipe, and the process waits.
 * When the process has ended, streams end too once nothing more has come for a moment: a background child that keeps a pipe
 * open must not hang `docker exec`.
 */
import type { Socket } from 'node:net';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../service/grpc-error.ts';

/** Quiet time after the end of a process that counts as the end of its output. */
const DRAIN_MS = 100;

/** One output stream, read on demand. */
class Output {
  readonly #socket: Socket;
  #ended = false;
  #wake: () => void = () => {};

  constructor(fd: number) {
    this.#socket = openPollableStream(fd, { direction: 'read' });
    this.#socket.on('readable', () => this.#wake());
    for (const event of ['end', 'close', 'error']) {
      this.#socket.on(event, () => {
        this.#ended = true; // EIO of a pty whose slaves are closed is its end of file
        this.#wake();
      });
    }
  }

  /** Up to `length` bytes that are there, waiting for the first one; undefined at the end. */
  async read(length: number): Promise<Buffer | undefined> {
    for (;;) {
      const available = Math.min(length, this.#socket.readableLength);
      const piece = available > 0 ? (this.#socket.read(available) as Buffer | null) : null;
      if (piece) return piece;
      if (this.#ended) return undefined;
      this.#socket.read(0);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The process has ended: the stream ends when it has been quiet, and was read empty. */
  endWhenQuiet(): void {
    let before = this.#socket.bytesRead;
    const timer = setInterval(() => {
      const quiet = this.#socket.bytesRead === before && this.#socket.readableLength === 0;
      before = this.#socket.bytesRead;
      if (!quiet && !this.#ended) return;
      clearInterval(timer);
      this.#ended = true;
      this.#wake();
    }, DRAIN_MS);
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
    this.#wake();
  }
}

/** Descriptors of our ends. With a terminal, `stdin` and `stdout` are its master and there is no stderr. */
export type ProcessEnds =
  | { readonly kind: 'pipes'; readonly stdin: number; readonly stdout: number; readonly stderr: number }
  | { readonly kind: 'terminal'; readonly master: number };

export class ProcessIo {
  readonly #kernel: Pick<Kernel, 'setWindowSize'>;
  readonly #master: number | undefined;
  readonly #input: Socket;
  readonly #outputs: { readonly stdout: Output; readonly stderr: Output };
  #inputOpen = true;

  constructor(ends: ProcessEnds, kernel: Pick<Kernel, 'setWindowSize'>, duplicate: (fd: number) => number) {
    this.#kernel = kernel;
    if (ends.kind === 'terminal') {
      this.#master = ends.master;
      const stdout = new Output(duplicate(ends.master));
      this.#outputs = { stdout, stderr: stdout };
      this.#input = openPollableStream(ends.master, { direction: 'write' });
    } else {
      this.#outputs = { stdout: new Output(ends.stdout), stderr: new Output(ends.stderr) };
      this.#input = openPollableStream(ends.stdin, { direction: 'write' });
    }
    this.#input.on('error', () => (this.#inputOpen = false)); // EPIPE: the process does not read any more
    this.#input.on('close', () => (this.#inputOpen = false));
  }

  read(which: 'stdout' | 'stderr', length: number): Promise<Buffer | undefined> {
    return this.#outputs[which].read(length);
  }

  /** Bytes taken: all of them once the process' pipe has room, none when it has closed its end. */
  async write(data: Buffer): Promise<number> {
    if (!this.#inputOpen) return 0;
    const written = await new Promise<boolean>((resolve) => this.#input.write(data, (error) => resolve(!error)));
    return written ? data.length : 0;
  }

  /** A terminal has no end of its input: the process sees Ctrl-D as any other key. */
  closeStdin(): void {
    if (this.#master !== undefined || !this.#inputOpen) return;
    this.#inputOpen = false;
    this.#input.end(() => this.#input.destroy());
  }

  resize(rows: number, columns: number): void {
    if (this.#master === undefined || this.#input.destroyed)
      throw new GrpcError(status.FAILED_PRECONDITION, 'Terminal is not set, impossible to resize it');
    this.#kernel.setWindowSize(this.#master, { rows, columns });
  }

  processEnded(): void {
    this.#outputs.stdout.endWhenQuiet();
    if (this.#master === undefined) this.#outputs.stderr.endWhenQuiet();
  }

  close(): void {
    this.#inputOpen = false;
    this.#input.destroy();
    this.#outputs.stdout.close();
    this.#outputs.stderr.close();
  }
}
