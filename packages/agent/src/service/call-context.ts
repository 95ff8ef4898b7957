/** What a handler may want to know of its call besides the request. */
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { Cancellation } from '../containers/attached-calls.ts';

export interface CallContext {
  readonly isCancelled: () => boolean;
  /** Tells when the caller does not wait any longer: its deadline has passed, or it has gone. */
  readonly onCancelled: (notify: (how: Cancellation) => void) => void;
}

export function callContext(call: ServerUnaryCall<unknown, unknown>): CallContext {
  const how = (): Cancellation => (Number(call.getDeadline()) <= Date.now() ? 'deadline' : 'gone');
  return {
    isCancelled: () => call.cancelled,
    onCancelled: (notify) => call.on('cancelled', () => notify(how())),
  };
}
