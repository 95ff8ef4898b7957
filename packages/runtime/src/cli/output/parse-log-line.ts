/** Reads a log line for people: which process wrote the line, and its text without what is the same in each line. Pure. */

/** Fields that the output has in its own columns, and the id that was asked for. */
const OMITTED: ReadonlySet<string> = new Set(['time', 'name', 'source', 'sandbox']);

/** `key=value` or `key="…"` as logrus's text_formatter.go prints it. */
const PAIR = /([\w.-]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)/y;

interface Pair {
  readonly key: string;
  /** As written, with quotation marks. */
  readonly value: string;
}

/** Undefined if the line is not a logrus record. */
function pairsOf(line: string): Pair[] | undefined {
  const pairs: Pair[] = [];
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < line.length) {
    const [, key, value] = PAIR.exec(line) ?? [];
    if (key === undefined || value === undefined) return undefined;
    pairs.push({ key, value });
  }
  return pairs.some(({ key }) => key === 'msg') ? pairs : undefined;
}

/** The text of a value that Go's %q or logger.ts has quoted. */
function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value.replaceAll(/\\x([0-9a-f]{2})/g, '\\u00$1')));
  } catch {
    return value;
  }
}

const valueOf = (pairs: readonly Pair[], wanted: string): string => unquote(pairs.find(({ key }) => key === wanted)?.value ?? '');

const textOf = (pairs: readonly Pair[]): string =>
  pairs.flatMap(({ key, value }) => (OMITTED.has(key) ? [] : [`${key}=${value}`])).join(' ');

export interface LogLine {
  /** `runtime`, `shim`, `proxy`, `agent`, `console` (of the guest), or the given source. */
  readonly source: string;
  readonly text: string;
}

/** kata-proxy logs the lines of the guest's console, which contain the records of kata-agent. A guest cannot write a line of another process. */
export function parseLogLine(line: string, source: string): LogLine {
  const pairs = pairsOf(line);
  if (!pairs) return { source, text: line };
  if (valueOf(pairs, 'source') === 'agent') {
    const text = valueOf(pairs, 'msg');
    const inner = pairsOf(text);
    return inner && valueOf(inner, 'name') === 'kata-agent' ? { source: 'agent', text: textOf(inner) } : { source: 'console', text };
  }
  const [, name] = /^kata-(runtime|shim|proxy)$/.exec(valueOf(pairs, 'name')) ?? [];
  return { source: name ?? source, text: textOf(pairs) };
}
