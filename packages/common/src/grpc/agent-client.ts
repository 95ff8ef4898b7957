/** Unary calls to the agent over kata-proxy's socket (ADR 5). */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GRPC, agentError, unreachableError } from '../errors/agent-error.ts';
import { AgentError } from '../errors/kata-error.ts';
import { UnaryResponse } from './unary-response.ts';
import type { ResponseOptions, Outcome } from './unary-response.ts';
import { monotonicMs } from '../process/monotonic-clock.ts';
import { encodeHeaders } from '../http2/hpack.ts';
import { Http2Error } from '../http2/frames.ts';
import { Http2Connection } from '../http2/connection.ts';

/** 1.x's limits: dialling, and any call that does not wait for the guest's processes. */
const DIAL_TIMEOUT_MS = 15_000;
const CALL_TIMEOUT_MS = 60_000;
/** The socket may appear a moment after us. */
const RETRY_MS = 20;
/** Bytes taken off the socket at once. */
const READ_BYTES = 256 << 10;
/** Most answers are a number. */
const SMALL_ANSWER: ResponseOptions = { maxBytes: 65536, allocate: (length) => Buffer.allocUnsafe(length) };

export interface CallOptions {
  /** Milliseconds until the call fails; `none` for calls that wait for the guest's own doings. */
  readonly deadlineMs?: number | 'none';
  readonly answer?: ResponseOptions;
}

function requestHeaders(path: string, deadlineMs: number | 'none'): Buffer {
  return encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...(deadlineMs === 'none' ? [] : [['grpc-timeout', `${deadlineMs}m`] as const]),
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

export class AgentClient {
  readonly #connection: Http2Connection;

  private constructor(connection: Http2Connection) {
    this.#connection = connection;
  }

  /** Connects to a unix socket, which need not be there yet. @throws AgentError when no peer speaks HTTP/2 there in time */
  static async connect(path: string, timeoutMs = DIAL_TIMEOUT_MS): Promise<AgentClient> {
    const deadline = monotonicMs() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = deadline - monotonicMs()) {
      const connection = await tryConnect(path, left);
      if (connection) return new AgentClient(connection);
      await sleep(RETRY_MS);
    }
    throw unreachableError(timeoutMs);
  }

  /** Sends the parts of one message to `/SERVICE/METHOD`, and gives the answer's message. @throws AgentError */
  call(
    path: string,
    message: readonly Uint8Array[],
    { deadlineMs = CALL_TIMEOUT_MS, answer = SMALL_ANSWER }: CallOptions = {},
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const done = ({ code, details, message: answered }: Outcome): void => {
        clearTimeout(timer);
        if (code === 0) return resolve(answered);
        this.#connection.cancel(id); // the rest of an answer that goes on is not read
        reject(agentError(path.slice(path.lastIndexOf('/') + 1), code, details));
      };
      const id = this.#connection.request(requestHeaders(path, deadlineMs), requestBody(message), new UnaryResponse(answer, done));
      if (deadlineMs !== 'none')
        timer = setTimeout(() => done({ code: GRPC.deadlineExceeded, details: '', message: Buffer.alloc(0) }), deadlineMs);
    });
  }

  /** Calls that are still out fail. */
  close(): void {
    this.#connection.fail(new Error('the connection was closed'));
  }
}

/**
 * One attempt: a connection over which the agent has said that it speaks HTTP/2; undefined when no process listens yet.
 * @throws AgentError when it speaks something else
 */
function tryConnect(path: string, timeoutMs: number): Promise<Http2Connection | undefined> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => {
        connection.receive(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    };
    const socket: Socket = createConnection({ path, onread });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    const connection: Http2Connection = new Http2Connection(socket, () => {
      clearTimeout(timer);
      resolve(connection);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      const { lost } = connection;
      if (lost instanceof Http2Error) reject(new AgentError(GRPC.unavailable, `the agent cannot be talked to: ${lost.message}`));
      else resolve(undefined);
    });
  });
}
