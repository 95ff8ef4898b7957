/** Recorded times of one `docker run`, in milliseconds since 1970. */

export interface Interval {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

export interface Step extends Interval {
  /** Number of steps that the step is a part of. */
  readonly depth: number;
}

export interface DockerRun {
  /** Start and end of the docker command. */
  readonly begin: number;
  readonly end: number;
  readonly firstOutput: number;
  /** Calls of kata-runtime in their order. */
  readonly verbs: readonly Interval[];
  /** Steps of the verbs, from the spans of runtime and agent. */
  readonly steps: readonly Step[];
}
