/** Unary gRPC calls over a unix socket (ADR 5): to the agent through kata-proxy, and to the VM cache server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GRPC } from './status.ts';
import { UnaryResponse } from './unary-response.ts';
import type { ResponseOptions, Outcome } from './unary-response.ts';
import { monotonicMs } from '../process/monotonic-clock.ts';
import { encodeHeaders } from '../http2/hpack.ts';
import { Http2Error } from '../http2/frames.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { PollableStream } from '../kernel/pollable-options.ts';
import { connectUnix } from '../kernel/unix-connection.ts';

/** 1.x's limits: dialling, and any call that does not wait for the guest's processes. */
const DIAL_TIMEOUT_MS = 15_000;
const CALL_TIMEOUT_MS = 60_000;
/** The server may create its socket after the client has started. */
const RETRY_MS = 20;
/** Bytes read from the socket at once. */
const READ_BYTES = 256 << 10;
/** Most answers are one number. */
const SMALL_ANSWER: ResponseOptions = { maxBytes: 65536, allocate: (length) => Buffer.allocUnsafe(length) };

export interface CallOptions {
  /** Milliseconds until the call fails; `none` for calls that wait for a process of the guest. */
  readonly deadlineMs?: number | 'none';
  readonly answer?: ResponseOptions;
  /** Headers besides gRPC's; values of at most 126 bytes. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Receives the trailers of the answer, also of a refusal. */
  readonly onTrailers?: (trailers: ReadonlyMap<string, string>) => void;
}

/** Makes the errors of one server's clients. */
export interface CallErrors {
  /** `call`, the name of a method, ended with gRPC status `code`. */
  failed(call: string, code: number, details: string): Error;
  /** The server cannot be reached. */
  unreachable(reason: string): Error;
}

export interface ConnectOptions {
  readonly errors: CallErrors;
  /** Milliseconds; 1.x's 15 s by default. */
  readonly timeoutMs?: number | undefined;
  /** Whether the server runs or will be started. If not, the connection fails without another attempt. */
  readonly isExpected?: (() => boolean) | undefined;
  /**
   * Called when the connection is established, before bytes of the server are read. Afterwards the process may be unable to connect again:
   * a connection that ends before the server has answered is an error.
   */
  readonly onConnect?: () => void;
  /**
   * Whether the client is ready when the socket is connected, and not when the server has answered: the first calls are sent a round trip
   * earlier. They fail when the server does not answer within the timeout.
   */
  readonly isEager?: boolean | undefined;
}

function requestHeaders(path: string, deadlineMs: number | 'none', more: NonNullable<CallOptions['headers']>): Buffer {
  return encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...(deadlineMs === 'none' ? [] : [['grpc-timeout', `${deadlineMs}m`] as const]),
    ...more,
  ]);
}

/** The message with its prefix: not compressed, and its length. */
function requestBody(parts: readonly Uint8Array[]): Uint8Array[] {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return [prefix, ...parts];
}

export class GrpcClient {
  readonly #connection: Http2Connection;
  readonly #errors: CallErrors;

  private constructor(connection: Http2Connection, errors: CallErrors) {
    this.#connection = connection;
    this.#errors = errors;
  }

  /** Connects to the unix socket at `path`, which may be created later. @throws what `errors.unreachable` makes */
  static async connect(
    path: string,
    { errors, timeoutMs = DIAL_TIMEOUT_MS, isExpected = () => true, onConnect, isEager }: ConnectOptions,
  ): Promise<GrpcClient> {
    const deadline = monotonicMs() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = deadline - monotonicMs()) {
      const connection = await tryConnect(path, left, { errors, isEager, ...(onConnect && { onConnect }) });
      if (connection) return new GrpcClient(connection, errors);
      if (!isExpected()) throw errors.unreachable('its server has ended');
      await sleep(RETRY_MS);
    }
    throw errors.unreachable(`its socket does not answer within ${timeoutMs / 1000} s`);
  }

  /** Sends the parts of one message to `/SERVICE/METHOD`. @returns the message of the answer. @throws what `errors.failed` makes */
  call(
    path: string,
    message: readonly Uint8Array[],
    { deadlineMs = CALL_TIMEOUT_MS, answer = SMALL_ANSWER, headers = [], onTrailers }: CallOptions = {},
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const done = ({ code, details, message: answered, trailers }: Outcome): void => {
        clearTimeout(timer);
        if (trailers) onTrailers?.(trailers);
        if (code === 0) return resolve(answered);
        this.#connection.cancel(id); // the server stops sending the rest of its answer
        reject(this.#errors.failed(path.slice(path.lastIndexOf('/') + 1), code, details));
      };
      const id = this.#connection.request(requestHeaders(path, deadlineMs, headers), requestBody(message), new UnaryResponse(answer, done));
      if (deadlineMs !== 'none')
        timer = setTimeout(() => done({ code: GRPC.deadlineExceeded, details: '', message: Buffer.alloc(0) }), deadlineMs);
    });
  }

  /** Resolves to the reason when the connection is lost or closed. */
  get ended(): Promise<Error> {
    return this.#connection.ended;
  }

  /** Calls without an answer fail. */
  close(): void {
    this.#connection.fail(new Error('the connection was closed'));
  }
}

/** One attempt. @returns undefined when no process listens yet. @throws what `errors.unreachable` makes of a server that does not speak HTTP/2 */
function tryConnect(path: string, timeoutMs: number, { errors, onConnect, isEager }: ConnectOptions): Promise<Http2Connection | undefined> {
  let socket: PollableStream;
  const onRead = (piece: Buffer): boolean => {
    connection.receive(piece);
    return true;
  };
  try {
    socket = connectUnix(path, { readBuffer: Buffer.allocUnsafeSlow(READ_BYTES), onRead });
  } catch {
    return Promise.resolve(undefined);
  }
  const { promise, resolve, reject } = Promise.withResolvers<Http2Connection | undefined>();
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const connection: Http2Connection = new Http2Connection(socket, () => {
    clearTimeout(timer);
    resolve(connection);
  });
  socket.once('close', () => {
    clearTimeout(timer);
    const { lost } = connection;
    if (lost instanceof Http2Error) reject(errors.unreachable(lost.message));
    else if (onConnect) reject(errors.unreachable('it has closed the connection'));
    else resolve(undefined);
  });
  try {
    onConnect?.();
    socket.resume();
    if (isEager === true) resolve(connection);
  } catch (error) {
    reject(error as Error);
    socket.destroy();
  }
  return promise;
}
