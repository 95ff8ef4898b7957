/** Computes medians, ratios and budgets from samples. Pure. */
import { median, ratio } from './measure.ts';
import type { Budget, Row, Samples } from './probe.ts';
import type { SideName } from './conditions.ts';

/** A row that is computed for each side: the median of one row divided by the median of another. */
export interface DerivedRow {
  readonly row: Row;
  readonly of: readonly [dividend: string, divisor: string];
}

export interface Result {
  readonly row: Row;
  readonly kata?: number;
  readonly runc?: number;
  readonly ratio?: number;
  /** Not set without a budget or without a value to compare. */
  readonly isMet?: boolean;
  readonly samples: Readonly<Partial<Record<SideName, readonly number[]>>>;
}

function isMet({ of, is, limit }: Budget, values: Pick<Result, 'kata' | 'ratio'>): boolean | undefined {
  const value = values[of];
  if (value === undefined) return undefined;
  return is === 'at most' ? value <= limit : value >= limit;
}

function result(row: Row, kata: number | undefined, runc: number | undefined, samples: Result['samples']): Result {
  const quotient = ratio(kata, runc);
  const values = {
    ...(kata !== undefined && { kata }),
    ...(runc !== undefined && { runc }),
    ...(quotient !== undefined && { ratio: quotient }),
  };
  const met = row.budget && isMet(row.budget, values);
  return { row, ...values, ...(met !== undefined && { isMet: met }), samples };
}

/** In the order of `rows`, without rows that have no samples. */
export function results(rows: readonly Row[], samples: Samples, derivedRows: readonly DerivedRow[]): Result[] {
  const middle = (name: string, side: SideName): number | undefined => {
    const values = samples[name]?.[side] ?? [];
    return values.length > 0 ? median(values) : undefined;
  };
  const measured = rows.map((row) => result(row, middle(row.name, 'kata'), middle(row.name, 'runc'), samples[row.name] ?? {}));
  const calculated = derivedRows.map(({ row, of: [dividend, divisor] }) => {
    const side = (name: SideName): number | undefined => ratio(middle(dividend, name), middle(divisor, name));
    return result(row, side('kata'), side('runc'), {});
  });
  return [...measured, ...calculated].filter(({ kata, runc }) => kata !== undefined || runc !== undefined);
}
