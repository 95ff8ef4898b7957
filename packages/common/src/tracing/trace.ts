/** Interface for traced code. The implementation that records spans (span-recorder.ts) is loaded only when tracing is on. */

/** Additions to a gRPC call, which continue the trace in the server; empty without tracing. */
export interface TracedCall {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly onTrailers?: (trailers: ReadonlyMap<string, string>) => void;
}

export interface Trace {
  /** Runs `act` and records it as a span, also when `act` fails. Steps that `act` runs become children of the span. */
  step<T>(name: string, act: () => T | Promise<T>): Promise<T>;
  /** Records a call of the agent as a span. The spans that the agent reports become its children. */
  call<T>(name: string, act: (additions: TracedCall) => Promise<T>): Promise<T>;
}

/** Records nothing. */
export const untraced: Trace = {
  step: async (_, act) => act(),
  call: (_, act) => act({}),
};
