/** Converts the generated descriptions of gRPC services to those of @grpc/grpc-js. */
import type { MethodDefinition } from '@grpc/grpc-js';

export interface Codec<T = unknown> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  /** The whole message, with the defaults of what was left out. */
  fromPartial(message: never): T;
}

export interface Method {
  /** As on the wire. */
  readonly name: string;
  readonly requestType: Codec;
  readonly responseType: Codec;
}

export interface Service {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, Method>>;
}

export type RequestOf<M extends Method> = ReturnType<M['requestType']['decode']>;
export type ResponseOf<M extends Method> = ReturnType<M['responseType']['decode']>;

type Served<S extends Service> = {
  readonly [N in keyof S['methods']]: MethodDefinition<RequestOf<S['methods'][N]>, ResponseOf<S['methods'][N]>>;
};

const writer =
  (codec: Codec) =>
  (message: unknown): Buffer => {
    const { buffer, byteOffset, length } = codec.encode(message).finish();
    return Buffer.from(buffer, byteOffset, length);
  };

/** The argument of grpc-js's Server.addService. All calls are unary. */
export function grpcService<S extends Service>({ fullName, methods }: S): Served<S> {
  const entries = Object.entries(methods).map(([key, { name, requestType, responseType }]) => {
    const definition: MethodDefinition<unknown, unknown> = {
      path: `/${fullName}/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: writer(requestType),
      requestDeserialize: (bytes) => requestType.decode(bytes),
      responseSerialize: writer(responseType),
      responseDeserialize: (bytes) => responseType.decode(bytes),
    };
    return [key, definition];
  });
  return Object.fromEntries(entries) as Served<S>;
}
