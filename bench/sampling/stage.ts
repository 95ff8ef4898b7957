/** What holds while samples are taken: on which side, beside which idle containers, for how long. */
export const sideNames = ['kata', 'runc'] as const;
export type SideName = (typeof sideNames)[number];

/** Idle containers of one runtime that run meanwhile. */
export interface Stage {
  readonly kata: number;
  readonly runc: number;
}

export interface Limits {
  readonly runs: number;
  /** Asked before each sample: when it is false, no more are taken. */
  readonly mayGoOn: () => boolean;
  /** Told what is about to be measured, and why something is not. */
  readonly report: (text: string) => void;
}
