/** Records the steps of a request. Without tracing, a step is a plain call. */

type Step = <T>(name: string, act: () => Promise<T>) => Promise<T>;

let record: Step = (_, act) => act();

/** Runs `act`, and records it if the request is traced. */
export const step: Step = (name, act) => record(name, act);

/** Sets the function that records steps. Only request-spans.ts calls it. */
export function recordWith(recorder: Step): void {
  record = recorder;
}
