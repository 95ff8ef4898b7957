/** Everything that is measured. To add a row: put a probe into one of these files. */
import type { Probe } from './sampling/probe.ts';
import type { Quotient } from './sampling/results.ts';
import { cloneProbes } from './rows/clone.ts';
import { dockerProbes, growth } from './rows/docker.ts';
import { memoryProbes } from './rows/memory.ts';
import { throughputProbes } from './rows/throughput.ts';
import { verbProbes } from './rows/verbs.ts';

export const probes: readonly Probe[] = [...dockerProbes, ...cloneProbes, ...verbProbes, ...throughputProbes, ...memoryProbes];
export const quotients: readonly Quotient[] = growth;

/** Those that have a row of `only`, or all. @throws Error for a name that no row has */
export function chooseProbes(only: readonly string[], isQuick: boolean): Probe[] {
  if (only.length === 0) return probes.filter(({ isSlow }) => !(isQuick && isSlow === true));
  const wanted = new Set(only.flatMap((name) => quotients.find(({ row }) => row.name === name)?.of ?? [name]));
  const chosen = probes.filter(({ rows }) => rows.some(({ name }) => wanted.has(name)));
  const known = new Set(chosen.flatMap(({ rows }) => rows.map(({ name }) => name)));
  const unknown = [...wanted].find((name) => !known.has(name));
  const names = [...probes.flatMap(({ rows }) => rows), ...quotients.map(({ row }) => row)].map(({ name }) => name);
  if (unknown !== undefined) throw new Error(`no row is called ${unknown}; there are ${names.join(', ')}`);
  return chosen;
}
