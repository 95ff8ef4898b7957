/** The gRPC server of the agent. Connections are passed to it; it opens no socket. */
import type { Duplex } from 'node:stream';
import { ServerCredentials, status } from '@grpc/grpc-js';
import type { Metadata, Server, ServerUnaryCall, UntypedHandleCall, sendUnaryData } from '@grpc/grpc-js';
import { agentService } from '@kata-containers/common/agent-api/agent-service';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { HealthDefinition } from '@kata-containers/common/generated/health';
import { grpcService } from '@kata-containers/common/grpc/service';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Sandbox } from '../containers/sandbox.ts';
import type { KernelOptions } from '../start-up/parse-kernel-options.ts';
import { callContext } from './call-context.ts';
import type { CallContext } from './call-context.ts';
import { containerCalls } from './container-calls.ts';
import { GrpcError } from '../errors/grpc-error.ts';
import { guestCalls, healthCalls } from './guest-calls.ts';
import type { AgentHandlers } from './handlers.ts';
import { networkCalls } from './network-calls.ts';
import { stdioCalls } from './stdio-calls.ts';
import { isTraced, runTraced } from './traced-request.ts';
import type { Handled } from './traced-request.ts';
import { tracingCalls } from './tracing-calls.ts';
import { LargeWindowServer } from './large-window-server.ts';

export interface AgentServer {
  /** Serves gRPC on one stream, until that ends. */
  accept(stream: Duplex): void;
  /** Connects the guest's name server to a DNS relay on the host by its stream. */
  relayDns(stream: Duplex): void;
  /** Connects the stream to the port that it names. */
  forwardPort(stream: Duplex): void;
}

type AnyHandler = (request: never, call: CallContext) => unknown;

/** Longest request: a piece of stdin or of a copied file, with its encoding. */
const MAX_REQUEST_BYTES = 4 << 20;
/** Calls at a time on one connection. A shim has four. */
const MAX_CALLS = 128;

const serverOptions = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_send_message_length': MAX_REQUEST_BYTES,
  'grpc.max_concurrent_streams': MAX_CALLS,
};

/** The trailers of an error, and of its request's trace. */
function withTrailersOf(error: unknown, traced: Metadata | undefined): Metadata | undefined {
  const own = error instanceof GrpcError ? error.trailers : undefined;
  if (own && traced) own.merge(traced);
  return own ?? traced;
}

/** Errors without a code are sent as UNKNOWN with their text alone, as in 1.x. */
function toStatus(error: unknown): { code: status; details: string } {
  if (error instanceof GrpcError) return { code: error.code, details: error.message };
  return { code: status.UNKNOWN, details: errorMessage(error) };
}

function adapt(name: string, handler: AnyHandler, log: Logger): UntypedHandleCall {
  const handle = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    const run = async (): Promise<unknown> => handler(call.request as never, callContext(call));
    const answer = ({ result, trailers }: Handled<unknown>): void =>
      void result.then(
        (response) => callback(null, response ?? {}, trailers()),
        (error: unknown) => {
          log.debug('request failed', { request: name, reason: errorMessage(error) });
          callback(toStatus(error), null, withTrailersOf(error, trailers()));
        },
      );
    log.debug('new request', { request: name });
    if (isTraced(call)) void runTraced(name, run).then(answer);
    else answer({ result: run(), trailers: () => undefined });
  };
  return handle as UntypedHandleCall;
}

type ServiceTable<N extends string> = Readonly<Record<N, { readonly path: string }>>;

function implement<N extends string>(
  server: Pick<Server, 'addService'>,
  service: ServiceTable<N>,
  handlers: Readonly<Record<N, AnyHandler>>,
  log: Logger,
): void {
  const names = Object.keys(service) as N[];
  const entries = names.map((name): [string, UntypedHandleCall] => [name, adapt(service[name].path, handlers[name], log)]);
  server.addService(service as never, Object.fromEntries(entries));
}

export function createServer(sandbox: Sandbox, options: KernelOptions, log: Logger): AgentServer {
  const server = new LargeWindowServer(serverOptions);
  const agentCalls: AgentHandlers = {
    ...containerCalls(sandbox),
    ...stdioCalls(sandbox),
    ...networkCalls(options, sandbox.machine),
    ...guestCalls(sandbox),
    ...tracingCalls(),
  };
  implement(server, agentService, agentCalls, log);
  implement(server, grpcService(HealthDefinition), healthCalls, log);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept(stream) {
      stream.once('end', () => stream.destroy()); // Bun ends a session, and cancels its calls, only when the stream is closed
      injector.injectConnection(stream as never);
    },
    relayDns: (stream) => sandbox.names.connect(stream),
    forwardPort(stream) {
      // Loaded when the first port is forwarded: few guests need it.
      import('../network/forward-port.ts').then(
        ({ forwardPort }) => forwardPort(stream, log),
        () => stream.destroy(),
      );
    },
  };
}
