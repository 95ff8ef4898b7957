/** Steps of a request, for code far below the service: without tracing they are plain calls. */

type Step = <T>(name: string, act: () => Promise<T>) => Promise<T>;

let record: Step = (_, act) => act();

/** Runs `act`, and records it when the request that it belongs to is traced. */
export const step: Step = (name, act) => record(name, act);

/** Sets what records steps; for request-spans.ts. */
export function recordWith(recorder: Step): void {
  record = recorder;
}
