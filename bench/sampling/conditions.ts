/** Conditions of a sample: the side, the idle containers beside it, the limits. */
export const sideNames = ['kata', 'runc'] as const;
export type SideName = (typeof sideNames)[number];

/** Number of idle containers of each side during a sample. */
export interface IdleCounts {
  readonly kata: number;
  readonly runc: number;
}

export interface SamplingLimits {
  readonly runs: number;
  /** Called before each sample: false ends the sampling. */
  readonly mayContinue: () => boolean;
  /** Receives the progress. */
  readonly report: (text: string) => void;
}
