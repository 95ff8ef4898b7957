import type { status } from '@grpc/grpc-js';

/** An error with the gRPC code for the client. Other errors are sent as UNKNOWN. */
export class GrpcError extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}
