/** Types of the handlers of the agent's RPCs. They are mapped from the services' definitions, so that a missing handler does not compile. */
import type { AgentServiceDefinition } from '@kata-containers/common/generated/agent';
import type { HealthDefinition } from '@kata-containers/common/generated/health';
import type { Method, RequestOf, ResponseOf } from '@kata-containers/common/grpc/service';
import type { CallContext } from './call-context.ts';

/** A handler whose response has no fields returns nothing. */
type Answered<T> = keyof T extends never ? void : T;
type Handler<M extends Method> = (request: RequestOf<M>, call: CallContext) => Answered<ResponseOf<M>> | Promise<Answered<ResponseOf<M>>>;
export type HandlersOf<M extends Readonly<Record<string, Method>>> = { readonly [N in keyof M]: Handler<M[N]> };

export type AgentHandlers = HandlersOf<(typeof AgentServiceDefinition)['methods']>;
export type HealthHandlers = HandlersOf<(typeof HealthDefinition)['methods']>;
