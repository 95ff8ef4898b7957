/** Tracing: 1.x's states and answers. Requests are traced whenever their caller asks for it (traced-request.ts). */
import { status } from '@grpc/grpc-js';
import { GrpcError } from '../errors/grpc-error.ts';
import type { AgentHandlers } from './handlers.ts';

export function tracingCalls() {
  let started = false;
  let stopped = false;
  const refuse = (text: string): never => {
    throw new GrpcError(status.FAILED_PRECONDITION, text);
  };
  return {
    startTracing: () => {
      if (started) refuse('tracing already enabled');
      started = true;
    },
    stopTracing: () => {
      if (!started) refuse('tracing not enabled');
      if (stopped) refuse('tracing already disabled');
      stopped = true;
    },
  } satisfies Partial<AgentHandlers>;
}
