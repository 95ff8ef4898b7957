/** Results of test files: counts, failures, and where the time went. Pure. */

export interface Timing {
  readonly file: string;
  /** Title of a case or of a hook. */
  readonly name: string;
  readonly milliseconds: number;
}

export interface Failure {
  readonly file: string;
  /** Title of a case or of a hook. */
  readonly name: string;
  readonly message: string;
}

export interface Results {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly timings: readonly Timing[];
}

const MAX_MESSAGE_LINES = 12;
const ROWS = 10;

export function sum(all: readonly Results[]): Results {
  const total = (count: (results: Results) => number): number => all.reduce((before, results) => before + count(results), 0);
  return {
    passed: total(({ passed }) => passed),
    failed: total(({ failed }) => failed),
    skipped: total(({ skipped }) => skipped),
    failures: all.flatMap(({ failures }) => failures),
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

/**
 * Lines of text: each failure with the first lines of its message. They repeat what the files have printed, because CI may keep only the
 * end of a long output.
 */
export function failureList({ failures }: Results): string[] {
  return failures.flatMap(({ file, name, message }, index) => {
    const lines = message.split('\n').filter((line) => line.trim() !== '');
    const shown = lines.slice(0, MAX_MESSAGE_LINES);
    if (lines.length > shown.length) shown.push(`(${lines.length - shown.length} more lines)`);
    return [`failure ${index + 1}: ${file}: ${name}`, ...shown.map((line) => `    ${line.trimEnd()}`)];
  });
}
