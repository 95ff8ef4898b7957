/** What can be measured: a row is a line of the table, a probe measures one row or several at once. */
import type { Rig } from './rig.ts';
import type { SideName, Stage } from './stage.ts';

export interface Budget {
  /** Of kata's value, or of its ratio to runc's. */
  readonly of: 'kata' | 'ratio';
  readonly is: 'at most' | 'at least';
  readonly limit: number;
}

export interface Row {
  /** For --only. */
  readonly name: string;
  readonly what: string;
  readonly unit: 'ms' | 'MiB' | 'MB/s' | '×';
  readonly budget?: Budget;
}

export interface Side {
  /** Not set: no idle containers. Sides with the same stage take turns, so that the machine's noise meets both. */
  readonly stage?: Stage;
  /** One number for each row of the probe. */
  readonly sample: (rig: Rig) => Promise<readonly number[]>;
}

export interface Probe {
  readonly rows: readonly Row[];
  readonly sides: Readonly<Partial<Record<SideName, Side>>>;
  /** Runs for each side, at most; as many as wanted when not set. */
  readonly maxRuns?: number;
  /** Left out by --quick. */
  readonly isSlow?: boolean;
}

/** Every value of every row and side: by the row's name. */
export type Samples = Readonly<Record<string, Readonly<Partial<Record<SideName, readonly number[]>>>>>;
