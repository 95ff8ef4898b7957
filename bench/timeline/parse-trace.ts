/** Parses the files of a traced run: the verbs, and the spans of kata-runtime and kata-agent. Pure. */
import { spansOf } from '../../tests/support/otlp-collector.ts';
import type { OtlpMessage } from '../../tests/support/otlp-collector.ts';
import type { Interval, Step } from './docker-run.ts';

/** OTLP's kind of a span that serves a request. */
const SERVER = 2;

/** Options of kata-runtime that take a value. */
const withValue = new Set(['--root', '--log', '--log-format', '--kata-config', '--criu', '--rootless']);

/** `delete --force` of `--root R --log L --log-format json delete --force ID`. */
function verbOf(args: readonly string[]): string {
  const first = args.findIndex((arg, index) => !arg.startsWith('-') && !withValue.has(args[index - 1] ?? ''));
  const verb = args[first] ?? '';
  return args[first + 1] === '--force' ? `${verb} --force` : verb;
}

/** Lines `BEGIN END ARGS…`. */
export function readVerbs(text: string): Interval[] {
  const spans = text.split('\n').flatMap((line) => {
    const [begin, end, ...args] = line.split(' ');
    return args.length > 0 ? [{ name: verbOf(args), begin: Number(begin), end: Number(end) }] : [];
  });
  return spans.toSorted((a, b) => a.begin - b.begin);
}

/**
 * The spans of a file with one OTLP message a line (`trace_endpoint` of [runtime]). The script records the verbs: a span of a verb begins
 * when the program has been loaded. The agent's span of an RPC is shorter than the runtime's by the time of the transfer.
 */
export function readSteps(text: string): Step[] {
  const spans = text.split('\n').flatMap((line) => (line === '' ? [] : spansOf(JSON.parse(line) as OtlpMessage)));
  const isPart = ({ service, kind, name }: (typeof spans)[number]): boolean =>
    (service === 'kata-runtime' && !name.startsWith('kata-runtime ')) || (service === 'kata-agent' && kind !== SERVER);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const depthOf = ({ parentSpanId }: (typeof spans)[number]): number => {
    const parent = byId.get(parentSpanId ?? '');
    return parent ? depthOf(parent) + Number(isPart(parent)) : 0;
  };
  const parts = spans.filter(isPart).map((span) => ({ name: span.name, begin: span.beginMs, end: span.endMs, depth: depthOf(span) }));
  return parts.toSorted((a, b) => a.begin - b.begin || b.end - a.end);
}
