/** The agent's service as the runtime calls it, by name and with the generated messages. Every call has a deadline unless it waits for the guest's processes. */
import { socketPath } from '../command-lines/socket-address.ts';
import { AgentError } from '../errors/kata-error.ts';
import { AgentServiceDefinition } from '../generated/agent.ts';
import { HealthDefinition } from '../generated/health.ts';
import type { HealthCheckResponse } from '../generated/health.ts';
import { GrpcClient } from '../grpc/grpc-client.ts';
import type { Codec, Method, RequestOf, ResponseOf } from '../grpc/service.ts';
import { GRPC } from '../grpc/status.ts';
import { untraced } from '../tracing/trace.ts';
import type { Trace } from '../tracing/trace.ts';
import { agentErrors } from './agent-errors.ts';

type Methods = (typeof AgentServiceDefinition)['methods'];
type Name = keyof Methods;
/** Fields that a request leaves out get the message's defaults. */
type Partially<T> = T extends Buffer | bigint
  ? T
  : T extends (infer U)[]
    ? readonly Partially<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
      : T;
export type AgentRequest<N extends Name> = Partially<RequestOf<Methods[N]>>;
export type AgentResponse<N extends Name> = ResponseOf<Methods[N]>;

export interface AgentCallOptions {
  /** Milliseconds until the call fails; `none` for calls that wait for a process of the guest. */
  readonly deadlineMs?: number | 'none';
}

export interface AgentConnection {
  /** @throws AgentError */
  call<N extends Name>(name: N, request: AgentRequest<N>, options?: AgentCallOptions): Promise<AgentResponse<N>>;
  /** Health/Check. @throws AgentError */
  check(options?: AgentCallOptions): Promise<HealthCheckResponse>;
  close(): void;
}

export interface AgentConnectOptions {
  /** Milliseconds that the first connection may take. */
  readonly connectTimeoutMs?: number;
  /** Whether kata-proxy runs. If not, the connection fails without another attempt. */
  readonly isExpected?: () => boolean;
  /** Whether the agent runs, or will run when other calls return: calls are sent before it has answered (ConnectOptions of GrpcClient). */
  readonly isEager?: boolean;
  /** Milliseconds until a call without a deadline of its own fails; 1.x's 60 s by default. */
  readonly callTimeoutMs?: number;
  /** Each call becomes a span of it. */
  readonly trace?: Trace | undefined;
}

/** Calls whose response is one long text: a piece of output, or the table of processes. */
const WORDY: readonly string[] = ['readStdout', 'readStderr', 'listProcesses'] satisfies Name[];
const MAX_TEXT_BYTES = 4 << 20;
/** Limit of other responses, which are lists: two bytes of a list may become an object of a hundred bytes. */
const MAX_LIST_BYTES = 512 << 10;
const allocate = (length: number): Buffer => Buffer.allocUnsafe(length);

function decode(codec: Codec, name: string, message: Buffer): unknown {
  try {
    return codec.decode(message);
  } catch {
    throw new AgentError(GRPC.internal, `the agent's answer to ${name} is not a protobuf message`);
  }
}

interface Call {
  readonly service: string;
  readonly method: Method;
  readonly request: unknown;
  /** Longest answer that is accepted. */
  readonly maxBytes: number;
}

class TypedConnection implements AgentConnection {
  readonly #client: GrpcClient;
  readonly #callTimeoutMs: number | undefined;
  readonly #trace: Trace;
  constructor(client: GrpcClient, { callTimeoutMs, trace = untraced }: AgentConnectOptions) {
    this.#client = client;
    this.#callTimeoutMs = callTimeoutMs;
    this.#trace = trace;
  }

  async call<N extends Name>(name: N, request: AgentRequest<N>, options?: AgentCallOptions): Promise<AgentResponse<N>> {
    const { fullName, methods } = AgentServiceDefinition;
    const maxBytes = WORDY.includes(name) ? MAX_TEXT_BYTES : MAX_LIST_BYTES;
    return (await this.#call({ service: fullName, method: methods[name], request, maxBytes }, options)) as AgentResponse<N>;
  }

  async check(options?: AgentCallOptions): Promise<HealthCheckResponse> {
    const { fullName, methods } = HealthDefinition;
    return (await this.#call(
      { service: fullName, method: methods.check, request: {}, maxBytes: MAX_LIST_BYTES },
      options,
    )) as HealthCheckResponse;
  }

  close(): void {
    this.#client.close();
  }

  async #call({ service, method, request, maxBytes }: Call, { deadlineMs = this.#callTimeoutMs }: AgentCallOptions = {}): Promise<unknown> {
    const { name, requestType, responseType } = method;
    const options = { answer: { maxBytes, allocate }, ...(deadlineMs !== undefined && { deadlineMs }) };
    const message = requestType.encode(requestType.fromPartial(request as never)).finish();
    const answer = this.#trace.call(name, (additions) => this.#client.call(`/${service}/${name}`, [message], { ...options, ...additions }));
    return decode(responseType, name, await answer);
  }
}

/** Connects to `unix:///path`. @throws AgentError when no peer speaks HTTP/2 there in time */
export async function connectAgent(uri: string, options: AgentConnectOptions): Promise<AgentConnection> {
  const client = await GrpcClient.connect(socketPath(uri), {
    errors: agentErrors,
    timeoutMs: options.connectTimeoutMs,
    isExpected: options.isExpected,
    isEager: options.isEager,
  });
  return new TypedConnection(client, options);
}
