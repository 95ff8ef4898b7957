/** What was recorded of one `docker run`. All times are milliseconds since 1970. */

export interface Span {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

export interface Trace {
  /** Of the docker command. */
  readonly begin: number;
  readonly end: number;
  readonly firstOutput: number;
  /** Commands of kata-runtime, one after the other. */
  readonly verbs: readonly Span[];
  /** What they did. */
  readonly steps: readonly Span[];
}
