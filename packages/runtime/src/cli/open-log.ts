/**
 * The log file of --log: containerd shows its last error to the user, and removes the file with the container. Important records
 * are therefore sent to syslog, too.
 */
import { closeSync, lstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { createLogger } from '@kata-containers/common/logging/logger';
import type { Level, Logger } from '@kata-containers/common/logging/logger';
import { goArchitecture } from '../host-check/go-architecture.ts';

export interface LogOptions {
  readonly path: string;
  readonly format: string;
  readonly level: Level;
  readonly verb: string;
}

function append(path: string, line: string): void {
  const fd = openSync(path, 'as', 0o640);
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

/**
 * Appends each record by one write, because several verbs may write to one file at a time. On a full file system the record is lost without
 * an error: `delete` must work, because it may free the space.
 */
function appendTo(path: string): (line: string) => void {
  if (path === '/dev/null') return () => {};
  return (line) => {
    try {
      append(path, line);
    } catch {
      // the error is also printed on stderr
    }
  };
}

/** Limit of the file's size: engines keep it in /run, which is memory, and each verb appends to it. */
const MAX_BYTES = 1 << 20;

/** A file that is too long is renamed, and a new one is begun. */
function rotate(path: string): void {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file?.isFile() !== true || file.size <= MAX_BYTES) return;
  try {
    renameSync(path, `${path}.old`);
  } catch {
    // another verb has renamed it, or renaming is not permitted
  }
}

function checkWritable(path: string): void {
  if (path === '/dev/null') return;
  try {
    closeSync(openSync(path, 'a', 0o640));
  } catch (error) {
    throw new UsageError(`log file ${path} cannot be written (${errorCode(error) ?? 'unknown'})`);
  }
}

export interface OpenedLog {
  readonly log: Logger;
  /** Whether `configure` was called. */
  readonly isConfigured: boolean;
  /**
   * Called once the configuration is loaded. `debug`: logs every record; `copy` receives the lines for syslog: warnings and errors, or all lines
   * with `debug` (as in 1.x).
   */
  configure(wish: { readonly debug: boolean; readonly copy: (line: string, level: Level) => void }): void;
}

/** A logger that forwards to all current loggers. */
const fanOut = (loggers: () => readonly Logger[]): Logger => ({
  debug: (...record) => loggers().forEach((logger) => logger.debug(...record)),
  info: (...record) => loggers().forEach((logger) => logger.info(...record)),
  warn: (...record) => loggers().forEach((logger) => logger.warn(...record)),
  error: (...record) => loggers().forEach((logger) => logger.error(...record)),
  child: (fields) => fanOut(() => loggers().map((logger) => logger.child(fields))),
});

/** @throws UsageError */
export function openLog({ path, format, level, verb }: LogOptions): OpenedLog {
  if (format !== 'text' && format !== 'json') throw new UsageError(`unknown log-format "${format}"`);
  rotate(path);
  checkWritable(path);
  const fields = { name: 'kata-runtime', source: 'runtime', arch: goArchitecture(process.arch), pid: process.pid, command: verb };
  const toFile = (least: Level): Logger => createLogger({ format, level: least, write: appendTo(path), precision: 'seconds', fields });
  let loggers = [toFile(level)];
  let isConfigured = false;
  return {
    log: fanOut(() => loggers),
    get isConfigured() {
      return isConfigured;
    },
    configure({ debug, copy }) {
      isConfigured = true;
      const isAll = debug || level === 'debug';
      const least = isAll ? 'debug' : 'warn';
      loggers = [
        toFile(isAll ? 'debug' : level),
        createLogger({ format: 'text', level: least, write: copy, precision: 'nanoseconds', fields }),
      ];
    },
  };
}
