import type { status } from '@grpc/grpc-js';

/** An error with the gRPC code that the client is to see. Other errors reach it as UNKNOWN. */
export class GrpcError extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}
