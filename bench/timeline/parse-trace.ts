/** Parses the files of a traced run: the verbs, and the steps of the debug log. Pure. */
import type { Span } from './trace.ts';

/** Options of kata-runtime that take a value. */
const withValue = new Set(['--root', '--log', '--log-format', '--kata-config', '--criu', '--rootless']);

/** `delete --force` of `--root R --log L --log-format json delete --force ID`. */
function verbOf(args: readonly string[]): string {
  const first = args.findIndex((arg, index) => !arg.startsWith('-') && !withValue.has(args[index - 1] ?? ''));
  const verb = args[first] ?? '';
  return args[first + 1] === '--force' ? `${verb} --force` : verb;
}

/** Lines `BEGIN END ARGS…`. */
export function readVerbs(text: string): Span[] {
  const spans = text.split('\n').flatMap((line) => {
    const [begin, end, ...args] = line.split(' ');
    return args.length > 0 ? [{ name: verbOf(args), begin: Number(begin), end: Number(end) }] : [];
  });
  return spans.toSorted((a, b) => a.begin - b.begin);
}

interface StepRecord {
  readonly msg?: unknown;
  readonly step?: unknown;
  readonly begin?: unknown;
  readonly ms?: unknown;
}

/** The log's records with the message `step` (packages/runtime/src/context/trace-step.ts). */
export function readSteps(log: string): Span[] {
  const spans = log.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { msg, step, begin, ms } = JSON.parse(line) as StepRecord;
    if (msg !== 'step' || typeof step !== 'string' || typeof begin !== 'number' || typeof ms !== 'number') return [];
    return [{ name: step, begin, end: begin + ms }];
  });
  return spans.toSorted((a, b) => a.begin - b.begin || b.end - a.end);
}
