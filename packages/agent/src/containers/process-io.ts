/** Standard streams of one process. */
import type { PollableStream } from '@kata-containers/common/kernel/pollable-options';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';
import { Output } from './output.ts';
import type { Reading } from './output.ts';

/** Limit of the input that is buffered for a process that does not read it: further writes are refused. */
const MAX_PENDING_INPUT = 8 << 20;
/** After this time without a reader, the exit code is returned although output is unread. */
const READER_AWAY_MS = 2000;

/** Fds of the agent's ends; no stdin when the process reads /dev/null. With a terminal, `stdin` and `stdout` are its master and there is no stderr. */
export type ProcessEnds =
  | { readonly kind: 'pipes'; readonly stdin: number | undefined; readonly stdout: number; readonly stderr: number }
  | { readonly kind: 'terminal'; readonly master: number };

export class ProcessIo {
  readonly #kernel: Pick<Kernel, 'setWindowSize'>;
  readonly #master: number | undefined;
  readonly #input: PollableStream | undefined;
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
      this.#input = ends.stdin === undefined ? undefined : openPollableStream(ends.stdin, { direction: 'write' });
      this.#inputOpen = this.#input !== undefined;
    }
    this.#input?.on('error', () => (this.#inputOpen = false)); // EPIPE: the process has closed its stdin
    this.#input?.on('close', () => (this.#inputOpen = false));
  }

  /** undefined at the end of the stream, or when the reading was cancelled. */
  read(which: 'stdout' | 'stderr', length: number, reading?: Reading): Promise<Buffer | undefined> {
    return this.#outputs[which].read(length, reading);
  }

  /** Number of accepted bytes: all once the pipe has room, 0 when the process has closed its stdin. */
  async write(data: Buffer): Promise<number> {
    const input = this.#input;
    if (!this.#inputOpen || !input) return 0;
    if (input.writableLength + data.length > MAX_PENDING_INPUT)
      throw new GrpcError(status.RESOURCE_EXHAUSTED, 'the process does not read its input');
    const written = await new Promise<boolean>((resolve) => input.write(data, (error) => resolve(!error)));
    return written ? data.length : 0;
  }

  /** A terminal's input has no end: the process reads Ctrl-D as a character. */
  closeStdin(): void {
    const input = this.#input;
    if (this.#master !== undefined || !this.#inputOpen || !input) return;
    this.#inputOpen = false;
    input.end(() => input.destroy());
  }

  resize(rows: number, columns: number): void {
    if (this.#master === undefined || this.#input?.destroyed !== false)
      throw new GrpcError(status.FAILED_PRECONDITION, 'Terminal is not set, impossible to resize it');
    this.#kernel.setWindowSize(this.#master, { rows, columns });
  }

  processEnded(): void {
    for (const output of this.#allOutputs) output.endWhenQuiet();
  }

  /** Resolves when the process has ended and its readers have all output. */
  async allRead(): Promise<void> {
    await Promise.all(this.#allOutputs.map((output) => output.readByAll(READER_AWAY_MS)));
  }

  /** Whether the end of each output was read. */
  get isReadToEnd(): boolean {
    return this.#allOutputs.every((output) => output.isReadToEnd);
  }

  close(): void {
    this.#inputOpen = false;
    this.#input?.destroy();
    for (const output of this.#allOutputs) output.close();
  }

  get #allOutputs(): Output[] {
    return [...new Set(Object.values(this.#outputs))];
  }
}
