/**
 * Log records in the exact text and JSON form of logrus, which kata-log-parser, containerd and scripts of users parse. Loggers are passed
 * as parameters; there is no global one.
 */
import { formatJson, formatTerminal, formatText } from './log-record.ts';
import type { Fields, Level, LogRecord } from './log-record.ts';

export type { Fields, Level } from './log-record.ts';

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds `fields` to each of its records. */
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  readonly format: 'text' | 'json' | 'terminal';
  /** Records below this level are dropped. */
  readonly level: Level;
  /** Receives each record as one line with its line feed, and its level. Must not throw. */
  readonly write: (line: string, level: Level) => void;
  readonly precision: 'seconds' | 'nanoseconds';
  readonly fields?: Fields;
  readonly now?: () => Date;
}

const severity: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLogger(options: LoggerOptions): Logger {
  const { now = () => new Date(), fields: base = {} } = options;
  const format = formats[options.format];
  const log =
    (level: Level) =>
    (message: string, fields: Fields = {}): void => {
      if (severity[level] < severity[options.level]) return;
      const record: LogRecord = { time: now(), precision: options.precision, level, message, fields: { ...base, ...fields } };
      options.write(`${format(record)}\n`, level);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => createLogger({ ...options, fields: { ...base, ...fields } }),
  };
}

const formats = {
  json: formatJson,
  text: formatText,
  terminal: (record: LogRecord) => formatTerminal(record, Math.floor(process.uptime())),
};

/** Drops everything. */
export const silentLogger: Logger = createLogger({ format: 'text', level: 'error', write: () => {}, precision: 'seconds' });

const levelNames: Record<string, Level> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

/** The level of a logrus level name, in upper or lower case; undefined for other names. */
export function parseLevel(name: string): Level | undefined {
  return levelNames[name.toLowerCase()];
}
