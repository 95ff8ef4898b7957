/** One log record and its two written forms. Pure: the format is fixed by logrus (text_formatter.go, json_formatter.go). */

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface LogRecord {
  readonly time: Date;
  readonly precision: 'seconds' | 'nanoseconds';
  readonly level: Level;
  readonly message: string;
  readonly fields: Fields;
}

/** logrus spells the level `warning` in full. */
const spelled: Record<Level, string> = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' };

/** Characters that logrus leaves unquoted. */
const bare = /^[A-Za-z0-9\-._/@^+]+$/;

/** RFC 3339 in UTC, with or without nanoseconds (JavaScript has milliseconds; RFC3339Nano drops the zeros after them). */
export function timestamp(time: Date, precision: LogRecord['precision']): string {
  const iso = time.toISOString();
  if (precision === 'seconds') return `${iso.slice(0, 19)}Z`;
  return `${iso.slice(0, 19)}.${iso.slice(20, 23)}000000Z`;
}

/** A value as Go's %q prints it, so that a record stays on one line. */
function quote(text: string): string {
  const escaped = JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.replaceAll(/\\u00([0-9a-f]{2})/g, '\\x$1');
}

function pair(key: string, value: unknown): string {
  const text = String(value);
  return `${key}=${text === '' || bare.test(text) ? text : quote(text)}`;
}

function sortedFields(fields: Fields): [string, unknown][] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `time="…" level=info msg="…" key=value …`, keys in alphabetical order, without a line feed. */
export function formatText(record: LogRecord): string {
  const head = [`time=${quote(timestamp(record.time, record.precision))}`, `level=${spelled[record.level]}`, pair('msg', record.message)];
  return [...head, ...sortedFields(record.fields).map(([key, value]) => pair(key, value))].join(' ');
}

/** One JSON object; containerd reads `level`, `msg` and `time`. */
export function formatJson(record: LogRecord): string {
  const fields = sortedFields(record.fields).map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]);
  return JSON.stringify({
    ...Object.fromEntries(fields),
    level: spelled[record.level],
    msg: record.message,
    time: timestamp(record.time, record.precision),
  });
}

const terminalLevel: Record<Level, readonly [name: string, colour: number]> = {
  debug: ['DEBU', 37],
  info: ['INFO', 36],
  warn: ['WARN', 33],
  error: ['ERRO', 31],
};

/** The coloured form for terminals: `INFO[0000] message …  key=value`. `seconds` have passed since the process began. */
export function formatTerminal(record: LogRecord, seconds: number): string {
  const [name, colour] = terminalLevel[record.level];
  const painted = (text: string): string => `\x1b[${colour}m${text}\x1b[0m`;
  const pairs = sortedFields(record.fields).map(([key, value]) => ` ${painted(key)}${pair(key, value).slice(key.length)}`);
  return `${painted(name)}[${String(seconds).padStart(4, '0')}] ${record.message.padEnd(44)} ${pairs.join('')}`;
}
