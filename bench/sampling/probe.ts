/** A row is a line of the table; a probe measures one row, or several in one run. */
import type { Testbed } from './testbed.ts';
import type { SideName, IdleCounts } from './conditions.ts';

export interface Budget {
  /** The limited value: kata's value, or the ratio of kata's value to runc's. */
  readonly of: 'kata' | 'ratio';
  readonly is: 'at most' | 'at least';
  readonly limit: number;
}

export interface Row {
  /** As written after --only. */
  readonly name: string;
  readonly what: string;
  readonly unit: 'ms' | 'MiB' | 'MB/s' | '×';
  readonly budget?: Budget;
}

export interface Side {
  /** Default: no idle containers. Sides with equal counts are sampled by turns, so that other load of the machine affects both. */
  readonly idle?: IdleCounts;
  /** One number for each row of the probe. */
  readonly sample: (testbed: Testbed) => Promise<readonly number[]>;
}

export interface Probe {
  readonly rows: readonly Row[];
  readonly sides: Readonly<Partial<Record<SideName, Side>>>;
  /** Upper limit of runs per side; default: no limit besides --runs. */
  readonly maxRuns?: number;
  /** --quick skips the probe. */
  readonly isSlow?: boolean;
}

/** All values of each row and side, by the row's name. */
export type Samples = Readonly<Record<string, Readonly<Partial<Record<SideName, readonly number[]>>>>>;
