/** Context of a call: what a handler can use besides the request. */
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { Cancellation } from '../containers/attached-calls.ts';

export interface CallContext {
  readonly isCancelled: () => boolean;
  /** Calls the listener when the caller stops waiting: its deadline has passed or its connection is closed. */
  readonly onCancelled: (notify: (how: Cancellation) => void) => void;
}

export function callContext(call: ServerUnaryCall<unknown, unknown>): CallContext {
  const how = (): Cancellation => (Number(call.getDeadline()) <= Date.now() ? 'deadline' : 'gone');
  return {
    isCancelled: () => call.cancelled,
    onCancelled: (notify) => call.on('cancelled', () => notify(how())),
  };
}
