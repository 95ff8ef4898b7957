/** Results as text for a terminal, as Markdown, and as JSON. Pure. */
import type { Budget, Row } from './probe.ts';
import type { Result } from './results.ts';

function number(value: number | undefined, unit: Row['unit']): string {
  if (value === undefined) return '';
  return `${value.toFixed(unit === 'ms' ? 0 : unit === '×' ? 2 : 1)} ${unit}`;
}

const budgetText = ({ of, is, limit }: Budget, unit: Row['unit']): string =>
  `${is === 'at most' ? '≤' : '≥'} ${limit} ${of === 'ratio' ? '× runc' : unit}`;

const verdict = (isMet: boolean | undefined): string => (isMet === undefined ? '' : isMet ? 'met' : 'MISSED');

const headings = ['median', 'kata', 'runc', 'ratio', 'budget', ''] as const;

export const cells = ({ row: { what, unit, budget }, kata, runc, ratio, isMet }: Result): string[] => [
  what,
  number(kata, unit),
  number(runc, unit),
  ratio === undefined || unit === '×' ? '' : ratio.toFixed(2),
  budget ? budgetText(budget, unit) : '',
  verdict(isMet),
];

/** Columns as wide as their widest cell; texts are aligned left, numbers right. */
export function table(results: readonly Result[]): string {
  const lines = [[...headings], ...results.map(cells)];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number): string =>
    column === 0 || column > 3 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

export const markdownTable = (results: readonly Result[]): string =>
  [[...headings], ['---', '--:', '--:', '--:', '---', '---'], ...results.map(cells)].map((line) => `| ${line.join(' | ')} |`).join('\n');

/** Results for JSON: row names as for --only, and every sample. */
export const plainResults = (results: readonly Result[]): object[] =>
  results.map(({ row: { name, what, unit, budget }, ...values }) => ({ name, what, unit, ...(budget && { budget }), ...values }));
