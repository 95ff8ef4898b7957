/** The helper of the runtime, which keeps the privileges that the shim drops (ADR 13). `helper` of ShimDuties has the protocol. */
import type { Duplex } from 'node:stream';
import { NAMED } from '@kata-containers/common/command-lines/shim-command-line';
import type { HelperRequest } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Logger } from '@kata-containers/common/logging/logger';

interface Call {
  readonly request: HelperRequest;
  readonly resolve: (code: number | undefined) => void;
}

export class RuntimeHelper {
  readonly #socket: Duplex;
  readonly #isNamed: boolean;
  /** Calls without an answer, in the order of their requests. Answers without a name arrive in the same order. */
  readonly #calls: Call[] = [];
  #answer = '';

  /** `socket` is an fd. The connection does not keep the process running. `isNamed`: whether the helper names the request in its answer. */
  constructor(socket: number, isNamed: boolean, log: Logger) {
    this.#isNamed = isNamed;
    const stream = openPollableStream(socket);
    stream.unref();
    this.#socket = stream;
    stream.on('data', (piece: Buffer) => this.#receive(piece.toString('latin1')));
    stream.on('error', (error) => log.error('the helper of the runtime is lost', { reason: errorMessage(error) }));
    stream.on('end', () => stream.destroy());
    stream.on('close', () => this.#calls.splice(0).forEach(({ resolve }) => resolve(undefined)));
    stream.resume();
  }

  /** @returns the exit code of the request's command; undefined when the helper has ended */
  run(request: HelperRequest): Promise<number | undefined> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve(undefined);
      this.#calls.push({ request, resolve });
      this.#socket.write(`${this.#isNamed ? `${NAMED} ` : ''}${request}\n`);
    });
  }

  #receive(text: string): void {
    const lines = (this.#answer + text).split('\n');
    this.#answer = lines.pop() ?? '';
    for (const line of lines) this.#end(line.split(' '));
  }

  /** An answer: the exit code, after the name of the request if there is one. */
  #end(fields: readonly string[]): void {
    const name = fields.length === 2 ? fields[0] : this.#calls[0]?.request;
    const index = this.#calls.findIndex(({ request }) => request === name);
    if (index !== -1) this.#calls.splice(index, 1)[0]?.resolve(Number(fields.at(-1)));
  }
}
