/**
 * The agent's service as runtime and shim call it: gRPC over a unix socket, every call with a deadline unless it waits by its
 * nature. The only module that loads gRPC on the host: import it where the guest is really talked to.
 */
import { credentials } from '@grpc/grpc-js';
import type { CallOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import * as messages from '../generated/agent.ts';
import { CheckRequest, HealthService } from '../generated/health.ts';
import type { HealthCheckResponse } from '../generated/health.ts';
import { agentError, unreachableError } from './agent-error.ts';

const { AgentServiceClient, AgentServiceService } = messages;
type Service = typeof AgentServiceService;
type Name = keyof Service;
/** What a request may leave out is filled with the message's defaults. */
type Partially<T> = T extends Buffer | bigint
  ? T
  : T extends (infer U)[]
    ? readonly Partially<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
      : T;
export type AgentRequest<N extends Name> = Partially<Parameters<Service[N]['requestSerialize']>[0]>;
export type AgentResponse<N extends Name> = ReturnType<Service[N]['responseDeserialize']>;

export interface AgentCallOptions {
  /** Milliseconds until the call fails; `none` for calls that wait for the guest's own doings. */
  readonly deadlineMs?: number | 'none';
  readonly signal?: AbortSignal;
}

export interface AgentConnection {
  /** @throws AgentError */
  call<N extends Name>(name: N, request: AgentRequest<N>, options?: AgentCallOptions): Promise<AgentResponse<N>>;
  /** Health/Check. @throws AgentError */
  check(options?: AgentCallOptions): Promise<HealthCheckResponse>;
  close(): void;
}

export interface ConnectOptions {
  /** Milliseconds that the first connection may take. */
  readonly connectTimeoutMs?: number;
}

/** 1.x's limits: dialling, and any call that does not wait by its nature. */
const DIAL_TIMEOUT_MS = 15_000;
const CALL_TIMEOUT_MS = 60_000;
/** A guest's answer is never longer than a piece of output and its wrapping. */
const MAX_ANSWER_BYTES = 4 << 20;
const channelOptions = {
  'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
  'grpc.max_send_message_length': MAX_ANSWER_BYTES,
  'grpc-node.flow_control_window': 1 << 20,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  // The socket may appear a moment after us: look again soon.
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.min_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 100,
};

function callOptions({ deadlineMs = CALL_TIMEOUT_MS }: AgentCallOptions): CallOptions {
  return deadlineMs === 'none' ? {} : { deadline: Date.now() + deadlineMs };
}

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** Messages that are not named for their call. */
const requestNames: Readonly<Record<string, string>> = {
  WriteStdin: 'WriteStreamRequest',
  ReadStdout: 'ReadStreamRequest',
  ReadStderr: 'ReadStreamRequest',
  GetGuestDetails: 'GuestDetailsRequest',
};

/** The whole message of a call, with the defaults of what was left out. */
function completeRequest(name: string, request: unknown): unknown {
  const table = messages as unknown as Readonly<Record<string, { fromPartial(value: unknown): unknown }>>;
  return table[requestNames[name] ?? `${name}Request`]?.fromPartial(request);
}

class GrpcAgentConnection implements AgentConnection {
  readonly #client: messages.AgentServiceClient;
  constructor(uri: string) {
    this.#client = new AgentServiceClient(uri, credentials.createInsecure(), channelOptions);
  }

  waitForReady(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        if (error) reject(unreachableError(timeoutMs));
        else resolve();
      });
    });
  }

  call<N extends Name>(name: N, request: AgentRequest<N>, options: AgentCallOptions = {}): Promise<AgentResponse<N>> {
    const method = AgentServiceService[name] as unknown as Method<unknown, AgentResponse<N>>;
    const wireName = method.path.slice(method.path.lastIndexOf('/') + 1);
    return this.#unary(wireName, method, completeRequest(wireName, request), options);
  }

  check(options: AgentCallOptions = {}): Promise<HealthCheckResponse> {
    return this.#unary('Check', HealthService.check as Method<CheckRequest, HealthCheckResponse>, CheckRequest.fromPartial({}), options);
  }

  close(): void {
    this.#client.close();
  }

  #unary<Request, Response>(
    name: string,
    method: Method<Request, Response>,
    request: Request,
    options: AgentCallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Response): void => {
        if (error) reject(agentError(name, error.code, error.details));
        else resolve(answer as Response);
      };
      const { path, requestSerialize, responseDeserialize } = method;
      const call: ClientUnaryCall = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        callOptions(options),
        done,
      );
      options.signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }
}

/** Connects to `unix:///path`. @throws AgentError when nobody listens in time */
export async function connectAgent(uri: string, { connectTimeoutMs = DIAL_TIMEOUT_MS }: ConnectOptions): Promise<AgentConnection> {
  const connection = new GrpcAgentConnection(uri);
  try {
    await connection.waitForReady(connectTimeoutMs);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/** Waits until the guest has booted and its agent answers. @throws AgentError */
export async function waitUntilServing(connection: AgentConnection, timeoutMs: number): Promise<void> {
  await connection.check({ deadlineMs: timeoutMs });
}
