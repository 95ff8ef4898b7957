/** A traced request has the header `traceparent`. Its answer has the spans in a trailer (common/tracing/guest-spans.ts). */
import { Metadata } from '@grpc/grpc-js';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { SPANS_TRAILER } from '@kata-containers/common/tracing/guest-spans';
import { PARENT_VARIABLE } from '@kata-containers/common/tracing/trace-parent';

export interface Handled<T> {
  readonly result: Promise<T>;
  /** Returns the trailers. Call it after `result` is settled. */
  readonly trailers: () => Metadata | undefined;
}

const HEADER = PARENT_VARIABLE.toLowerCase();

export const isTraced = ({ metadata }: Pick<ServerUnaryCall<unknown, unknown>, 'metadata'>): boolean => metadata.get(HEADER).length > 0;

/** Runs the handler of the RPC at `path`, and records its steps. */
export async function runTraced<T>(path: string, run: () => Promise<T>): Promise<Handled<T>> {
  const { RequestSpans } = await import('../tracing/request-spans.ts');
  const spans = new RequestSpans();
  const result = spans.run(path.slice(path.lastIndexOf('/') + 1), run);
  const trailers = (): Metadata => {
    const metadata = new Metadata();
    metadata.set(SPANS_TRAILER, spans.toString());
    return metadata;
  };
  result.catch(() => {}); // the caller attaches its own handlers in a later turn of the event loop
  return { result, trailers };
}
