/** Results of test files, and where their time went. Pure. */

export interface Timing {
  readonly file: string;
  /** Title of a case or of a hook. */
  readonly name: string;
  readonly milliseconds: number;
}

export interface Results {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly timings: readonly Timing[];
}

const ROWS = 10;

export function sum(all: readonly Results[]): Results {
  const total = (count: (results: Results) => number): number => all.reduce((before, results) => before + count(results), 0);
  return {
    passed: total(({ passed }) => passed),
    failed: total(({ failed }) => failed),
    skipped: total(({ skipped }) => skipped),
    timings: all.flatMap(({ timings }) => timings),
  };
}

function slowest(timings: readonly Timing[], nameOf: (timing: Timing) => string): string[] {
  const rows = new Map<string, number>();
  for (const timing of timings) rows.set(nameOf(timing), (rows.get(nameOf(timing)) ?? 0) + timing.milliseconds);
  return [...rows]
    .sort(([, a], [, b]) => b - a)
    .slice(0, ROWS)
    .map(([name, milliseconds]) => `${(milliseconds / 1000).toFixed(1).padStart(8)} s  ${name}`);
}

/** Lines of text: the ten slowest files, and the ten slowest cases and hooks. A hook's runs are added up. */
export function slowestTable({ timings }: Results): string[] {
  return [
    'slowest files:',
    ...slowest(timings, ({ file }) => file),
    'slowest cases and hooks:',
    ...slowest(timings, ({ file, name }) => `${file}: ${name}`),
  ];
}
