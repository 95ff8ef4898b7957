/** All rows of the bench. To add a row, add a probe to one of the files that this file imports. */
import type { Probe } from './sampling/probe.ts';
import type { DerivedRow } from './sampling/results.ts';
import { cloneProbes } from './rows/clone.ts';
import { dockerProbes, growthRows } from './rows/docker.ts';
import { memoryProbes } from './rows/memory.ts';
import { throughputProbes } from './rows/throughput.ts';
import { verbProbes } from './rows/verbs.ts';

export const probes: readonly Probe[] = [...dockerProbes, ...cloneProbes, ...verbProbes, ...throughputProbes, ...memoryProbes];
export const derivedRows: readonly DerivedRow[] = growthRows;

/** The probes of the rows that `only` names, or all probes. @throws Error for an unknown row */
export function chooseProbes(only: readonly string[], isQuick: boolean): Probe[] {
  if (only.length === 0) return probes.filter(({ isSlow }) => !(isQuick && isSlow === true));
  const wanted = new Set(only.flatMap((name) => derivedRows.find(({ row }) => row.name === name)?.of ?? [name]));
  const chosen = probes.filter(({ rows }) => rows.some(({ name }) => wanted.has(name)));
  const known = new Set(chosen.flatMap(({ rows }) => rows.map(({ name }) => name)));
  const unknown = [...wanted].find((name) => !known.has(name));
  const names = [...probes.flatMap(({ rows }) => rows), ...derivedRows.map(({ row }) => row)].map(({ name }) => name);
  if (unknown !== undefined) throw new Error(`unknown row ${unknown}; the rows are ${names.join(', ')}`);
  return chosen;
}
