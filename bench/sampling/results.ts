/** Medians, ratios and budgets of what was sampled. Pure. */
import { median, ratio } from './measure.ts';
import type { Budget, Row, Samples } from './probe.ts';
import type { SideName } from './stage.ts';

/** A row that is calculated: of each side, one row's value divided by another's. */
export interface Quotient {
  readonly row: Row;
  readonly of: readonly [dividend: string, divisor: string];
}

export interface Result {
  readonly row: Row;
  readonly kata?: number;
  readonly runc?: number;
  readonly ratio?: number;
  /** Not set when there is no budget, or nothing to hold against it. */
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

/** In the order of `rows`, without those of which nothing was sampled. */
export function results(rows: readonly Row[], samples: Samples, quotients: readonly Quotient[]): Result[] {
  const middle = (name: string, side: SideName): number | undefined => {
    const values = samples[name]?.[side] ?? [];
    return values.length > 0 ? median(values) : undefined;
  };
  const measured = rows.map((row) => result(row, middle(row.name, 'kata'), middle(row.name, 'runc'), samples[row.name] ?? {}));
  const calculated = quotients.map(({ row, of: [dividend, divisor] }) => {
    const side = (name: SideName): number | undefined => ratio(middle(dividend, name), middle(divisor, name));
    return result(row, side('kata'), side('runc'), {});
  });
  return [...measured, ...calculated].filter(({ kata, runc }) => kata !== undefined || runc !== undefined);
}
