/** Reads what the traced runtime has left: its verbs, and the steps of its debug log. Pure. */
import type { Span } from './trace.ts';

/** Options of kata-runtime that have a value. */
const withValue = new Set(['--root', '--log', '--log-format', '--kata-config', '--criu', '--rootless']);

/** `delete --force` of `--root R --log L --log-format json delete --force ID`. */
function verbOf(words: readonly string[]): string {
  const first = words.findIndex((word, index) => !word.startsWith('-') && !withValue.has(words[index - 1] ?? ''));
  const verb = words[first] ?? '';
  return words[first + 1] === '--force' ? `${verb} --force` : verb;
}

/** Lines `BEGIN END WORDS…`. */
export function readVerbs(text: string): Span[] {
  const spans = text.split('\n').flatMap((line) => {
    const [begin, end, ...words] = line.split(' ');
    return words.length > 0 ? [{ name: verbOf(words), begin: Number(begin), end: Number(end) }] : [];
  });
  return spans.toSorted((a, b) => a.begin - b.begin);
}

interface StepRecord {
  readonly msg?: unknown;
  readonly step?: unknown;
  readonly begin?: unknown;
  readonly ms?: unknown;
}

/** The records `step` of the log (packages/runtime/src/context/trace-step.ts). */
export function readSteps(log: string): Span[] {
  const spans = log.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { msg, step, begin, ms } = JSON.parse(line) as StepRecord;
    if (msg !== 'step' || typeof step !== 'string' || typeof begin !== 'number' || typeof ms !== 'number') return [];
    return [{ name: step, begin, end: begin + ms }];
  });
  return spans.toSorted((a, b) => a.begin - b.begin || b.end - a.end);
}
