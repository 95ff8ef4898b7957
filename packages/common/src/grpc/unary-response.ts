/** One answer of a unary gRPC call (gRPC over HTTP/2: headers, one length-prefixed message, trailers), gathered and bounded. */
import type { ResponseSink } from '../http2/connection.ts';
import { GRPC } from './status.ts';

/** Compressed-flag and length before a message. */
const PREFIX_LENGTH = 5;

export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer;
  /** The headers that have the status; undefined when none were received. */
  readonly trailers?: ReadonlyMap<string, string>;
}

export interface ResponseOptions {
  /** Longest message that is accepted. */
  readonly maxBytes: number;
  /** Allocates the buffer for a message. */
  readonly allocate: (length: number) => Buffer;
}

const EMPTY = Buffer.alloc(0);

/** gRPC's mapping of reset codes (RFC 9113, section 7); other codes are internal errors. */
const resetCodes: Readonly<Record<number, number>> = { 7: GRPC.unavailable, 8: GRPC.cancelled, 11: GRPC.resourceExhausted };

/** Decodes the percent-encoded grpc-message. Returns other texts unchanged. */
function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export class UnaryResponse implements ResponseSink {
  readonly #options: ResponseOptions;
  readonly #done: (outcome: Outcome) => void;
  readonly #prefix = Buffer.allocUnsafe(PREFIX_LENGTH);
  #prefixLength = 0;
  #message: Buffer = EMPTY;
  #filled = 0;
  #status: Required<Pick<Outcome, 'code' | 'details' | 'trailers'>> | undefined;

  /** `done` is called once. */
  constructor(options: ResponseOptions, done: (outcome: Outcome) => void) {
    this.#options = options;
    let called = false;
    this.#done = (outcome) => {
      if (!called) done(outcome);
      called = true;
    };
  }

  onHeaders(headers: ReadonlyMap<string, string>): void {
    const code = headers.get('grpc-status');
    if (code !== undefined)
      this.#status = { code: Number.parseInt(code, 10) || 0, details: decodeDetails(headers.get('grpc-message') ?? ''), trailers: headers };
    const http = headers.get(':status') ?? '200';
    if (http !== '200') this.#fail(GRPC.unknown, `HTTP status ${http}`);
  }

  onData(data: Buffer): void {
    const rest = data.subarray(this.#takePrefix(data));
    if (rest.length === 0) return;
    if (this.#filled + rest.length > this.#message.length)
      return this.#fail(GRPC.internal, 'the response is longer than its length prefix');
    rest.copy(this.#message, this.#filled);
    this.#filled += rest.length;
  }

  onEnd(): void {
    if (!this.#status) return this.#fail(GRPC.internal, 'the response has no status');
    if (this.#status.code === 0 && (this.#prefixLength < PREFIX_LENGTH || this.#filled < this.#message.length))
      return this.#fail(GRPC.internal, 'the response is shorter than its length prefix');
    this.#done({ ...this.#status, message: this.#message });
  }

  onReset(code: number): void {
    this.#fail(resetCodes[code] ?? GRPC.internal, `the request was reset (HTTP/2 code ${code})`);
  }

  onLost(reason: Error): void {
    this.#fail(GRPC.unavailable, reason.message);
  }

  #fail(code: number, details: string): void {
    this.#message = EMPTY;
    this.#done({ code, details, message: EMPTY });
  }

  /** @returns how many bytes of `data` belong to the prefix */
  #takePrefix(data: Buffer): number {
    if (this.#prefixLength === PREFIX_LENGTH) return 0;
    const length = data.copy(this.#prefix, this.#prefixLength, 0, PREFIX_LENGTH - this.#prefixLength);
    this.#prefixLength += length;
    if (this.#prefixLength === PREFIX_LENGTH) this.#begin(this.#prefix.readUInt32BE(1));
    return length;
  }

  #begin(length: number): void {
    const { maxBytes, allocate } = this.#options;
    if (this.#prefix[0] !== 0) this.#fail(GRPC.internal, 'the response is compressed');
    else if (length > maxBytes) this.#fail(GRPC.resourceExhausted, `the response of ${length} bytes is too long (limit ${maxBytes})`);
    else this.#message = allocate(length);
  }
}
