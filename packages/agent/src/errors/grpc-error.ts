import type { Metadata, status } from '@grpc/grpc-js';

/** An error with the gRPC code for the client. Other errors are sent as UNKNOWN. */
export class GrpcError extends Error {
  readonly code: status;
  readonly trailers: Metadata | undefined;
  constructor(code: status, message: string, trailers?: Metadata) {
    super(message);
    this.code = code;
    this.trailers = trailers;
  }
}
