/** Divides the time of one `docker run` into rows without a gap. Each row names the component that used the time. Pure. */
import type { DockerRun, Interval } from './docker-run.ts';

export type Owner = 'docker' | 'runtime' | 'vm' | 'guest';

export interface TimelineRow {
  readonly label: string;
  readonly owner: Owner;
  /** Milliseconds since the start of the command. */
  readonly beginMs: number;
  readonly ms: number;
  /** 0: rows that follow one another and add up to the total. Deeper rows are parts of the row above. */
  readonly depth: number;
}

export interface Timeline {
  readonly totalMs: number;
  readonly firstOutputMs: number;
  readonly rows: readonly TimelineRow[];
}

/** The component that spends a step's time, and a label for readers who do not know the step's name. */
const steps: Readonly<Record<string, { owner: Owner; label?: string }>> = {
  'prestart hooks': { owner: 'docker', label: "docker's prestart hook" },
  'QEMU spawn': { owner: 'vm' },
  'QEMU start': { owner: 'vm', label: 'QEMU starts, QMP answers' },
  'VM cache': { owner: 'runtime', label: 'VM handed over by the cache' },
  resume: { owner: 'vm' },
  'state load': { owner: 'vm', label: 'template state loaded' },
  'crun create': { owner: 'guest' },
  'crun start': { owner: 'guest' },
  'crun delete': { owner: 'guest' },
  'first answer': { owner: 'guest', label: 'agent answers (proxy, yamux)' },
  'entropy and clock': { owner: 'guest' },
  'guest network': { owner: 'guest' },
  CreateSandbox: { owner: 'guest' },
  CreateContainer: { owner: 'guest' },
  StartContainer: { owner: 'guest' },
  'sandbox end': { owner: 'vm', label: 'VM ends' },
};
/** The clock of the verbs is rounded to milliseconds. */
const TOLERANCE_MS = 2;
/** Shorter parts are omitted. */
const SHORTEST_MS = 4;

const contains = (outer: Interval, inner: Interval): boolean =>
  inner.begin >= outer.begin - TOLERANCE_MS && inner.end <= outer.end + TOLERANCE_MS && outer.end - outer.begin > inner.end - inner.begin;

/** The engine's time between two verbs. After `start` the container's process writes its output. */
const gapLabel = (before: Interval | undefined, after: Interval | undefined): string => {
  if (!before) return 'docker, containerd: until create';
  if (!after) return 'docker: network, mounts, the end';
  if (before.name === 'start') return 'process runs and ends; docker';
  return `docker, containerd: until ${after.name}`;
};

function stepRows(trace: DockerRun, verb: Interval): TimelineRow[] {
  const own = trace.steps.filter((step) => contains(verb, step));
  const row = (span: Interval, label: string, owner: Owner, depth: number): TimelineRow => ({
    label,
    owner,
    beginMs: span.begin - trace.begin,
    ms: span.end - span.begin,
    depth,
  });
  const first = own[0] ? [row({ ...verb, end: own[0].begin }, 'program starts, command is read', 'runtime', 1)] : [];
  const parts = own.map((step) => {
    const { owner = 'runtime', label = step.name } = steps[step.name] ?? {};
    return row(step, label, owner, 1 + step.depth);
  });
  return [...first, ...parts];
}

export function timeline(trace: DockerRun): Timeline {
  const rows: TimelineRow[] = [];
  let at = trace.begin;
  for (const [index, verb] of [...trace.verbs, undefined].entries()) {
    const until = verb?.begin ?? trace.end;
    if (until > at) {
      const label = gapLabel(trace.verbs[index - 1], verb);
      rows.push({ label, owner: 'docker', beginMs: at - trace.begin, ms: until - at, depth: 0 });
    }
    if (!verb) break;
    rows.push({
      label: `kata-runtime ${verb.name}`,
      owner: 'runtime',
      beginMs: verb.begin - trace.begin,
      ms: verb.end - verb.begin,
      depth: 0,
    });
    rows.push(...stepRows(trace, verb));
    at = verb.end;
  }
  const shown = rows.filter(({ ms, depth }) => depth === 0 || ms >= SHORTEST_MS);
  return { totalMs: trace.end - trace.begin, firstOutputMs: trace.firstOutput - trace.begin, rows: shown };
}

/** From the start of QEMU to the agent's first answer. NaN when this run did not start a VM. */
export function cloneMs({ steps: recorded }: DockerRun): number {
  const find = (name: string): Interval | undefined => recorded.find((step) => step.name === name);
  return (find('first answer')?.end ?? NaN) - (find('QEMU spawn')?.begin ?? NaN);
}

/** The trace of median duration. */
export function medianRun(traces: readonly DockerRun[]): DockerRun | undefined {
  const byLength = traces.toSorted((a, b) => a.end - a.begin - (b.end - b.begin));
  return byLength[Math.floor((byLength.length - 1) / 2)];
}
