/** Host memory per idle container, for growing numbers of containers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { TITLE_VARIABLE } from '@kata-containers/common/command-lines/shim-command-line';
import type { Probe, Row } from '../sampling/probe.ts';
import type { Testbed } from '../sampling/testbed.ts';

const programs = ['system-x86_64', 'kata-proxy', 'kata-shim'] as const;

interface Memory {
  readonly pss: number;
  readonly private: number;
}

const field = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;

/** MiB of each program, from smaps_rollup (proc(5)) of the containers' processes. A shim shows the title of its container's process. */
function memoryOf(ids: readonly string[]): Map<string, Memory> {
  const sums = new Map<string, Memory>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      const program = environment.includes(`${TITLE_VARIABLE}=`) ? 'kata-shim' : programs.find((name) => command.includes(name));
      if (program === undefined || !ids.some((id) => command.includes(id) || environment.includes(id))) continue;
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
      const before = sums.get(program) ?? { pss: 0, private: 0 };
      const own = field(rollup, 'Private_Clean') + field(rollup, 'Private_Dirty');
      sums.set(program, { pss: before.pss + field(rollup, 'Pss'), private: before.private + own });
    } catch {
      // the process has ended
    }
  }
  return sums;
}

/** kata-proxy and kata-shim return memory ten seconds after their start (common/process/limit-memory.ts). */
const SETTLED_MS = 12_000;

/** PSS and private memory per container, then private memory of each program. */
async function perContainer(testbed: Testbed): Promise<number[]> {
  await sleep(SETTLED_MS);
  const ids = await testbed.idleIds();
  const sums = memoryOf(ids);
  const each = programs.map((program) => {
    const { pss, private: own } = sums.get(program) ?? { pss: NaN, private: NaN };
    return { pss: pss / ids.length, own: own / ids.length };
  });
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const totals = [sum(each.map(({ pss }) => pss)), sum(each.map(({ own }) => own))];
  if (totals.some(Number.isNaN)) throw new Error('a container has no QEMU, kata-proxy or kata-shim process');
  return [...totals, ...each.map(({ own }) => own)];
}

function rowsFor(count: number): Row[] {
  const of = `of ${count} idle`;
  const budget = { of: 'kata', is: 'at most', limit: 90 } as const;
  return [
    { name: `pss-${count}`, what: `PSS per container, ${of}`, unit: 'MiB' },
    { name: `private-${count}`, what: `private memory per container, ${of}`, unit: 'MiB', budget },
    ...programs.map((program): Row => {
      const isQemu = program === 'system-x86_64';
      return { name: `private-${isQemu ? 'qemu' : program.slice(5)}-${count}`, what: `– of it ${isQemu ? 'QEMU' : program}`, unit: 'MiB' };
    }),
  ];
}

export const memoryProbes: readonly Probe[] = [1, 10, 30].map((count) => ({
  rows: rowsFor(count),
  sides: { kata: { idle: { kata: count, runc: 0 }, sample: perContainer } },
  maxRuns: 1,
  isSlow: count > 10,
}));
