/**
 * The helper of the runtime, which keeps the privileges that the shim drops (ADR 13). The shim sends a line to run a command; the helper
 * answers with a line that contains the exit code.
 */
import type { Duplex } from 'node:stream';
import type { HelperRequest } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

type Resolve = (code: number | undefined) => void;

export class RuntimeHelper {
  readonly #socket: Duplex;
  /** Calls without an answer, in the order of their requests. Answers arrive in the same order. */
  readonly #calls: Resolve[] = [];
  #answer = '';

  /** `socket` is an fd. The connection does not keep the process running. */
  constructor(socket: number, log: Logger) {
    const stream = openPollableStream(socket);
    stream.unref();
    this.#socket = stream;
    stream.on('data', (piece: Buffer) => this.#receive(piece.toString('latin1')));
    stream.on('error', (error) => log.error('the helper of the runtime is lost', { reason: errorMessage(error) }));
    stream.on('end', () => stream.destroy());
    stream.on('close', () => this.#calls.splice(0).forEach((resolve) => resolve(undefined)));
    stream.resume();
  }

  /** @returns the exit code of the request's command; undefined when the helper has ended */
  run(request: HelperRequest): Promise<number | undefined> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve(undefined);
      this.#calls.push(resolve);
      this.#socket.write(`${request}\n`);
    });
  }

  #receive(text: string): void {
    const lines = (this.#answer + text).split('\n');
    this.#answer = lines.pop() ?? '';
    for (const line of lines) this.#calls.shift()?.(Number(line));
  }
}
