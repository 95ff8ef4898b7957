/**
 * Files with the spans of kata-proxy and kata-shim, which the runtime sends. Both processes are in the sandbox's network namespace and
 * confine themselves, so they cannot reach a collector. Each process has a file of its own and writes all its spans at once.
 */
import { closeSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isSpan } from './span.ts';
import type { Span } from './span.ts';
import { newSpanId } from './trace-parent.ts';

const PREFIX = 'spans-';
/** Limits for reading a file. A process writes a dozen spans. */
const MAX_FILE_BYTES = 64 << 10;
const MAX_SPANS = 64;
/** Limit of files in a sandbox: the files are in memory, and files of killed processes stay until the sandbox ends. */
const MAX_FILES = 64;

/** Environment variable with the path of the file; without the variable the process is not traced. */
export const SPAN_FILE_VARIABLE = 'KATA_SPAN_FILE';

const filesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory).filter((name) => name.startsWith(PREFIX)).map((name) => join(directory, name)); // prettier-ignore
  } catch {
    return [];
  }
};

/** Path for the spans of a new process; undefined when there are too many files. */
export function newSpanFile(directory: string): string | undefined {
  return filesIn(directory).length < MAX_FILES ? join(directory, `${PREFIX}${newSpanId()}`) : undefined;
}

/** For the end of a sandbox: files of killed processes, and of a VM of the cache, whose spans belong to no command. */
export function removeSpanFiles(directory: string): void {
  for (const path of filesIn(directory)) rmSync(path, { force: true });
}

/** @returns the fd */
export const openSpanFile = (path: string): number => openSync(path, 'a', 0o600);

/** Writes the spans by one write(2), and closes the file. */
export function writeSpans(fd: number, spans: readonly Span[]): void {
  try {
    writeSync(fd, JSON.stringify(spans));
  } finally {
    closeSync(fd);
  }
}

function readSpans(path: string): Span[] {
  if (statSync(path).size > MAX_FILE_BYTES) return [];
  const spans: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return Array.isArray(spans) ? spans.filter(isSpan).slice(0, MAX_SPANS) : [];
}

/** Reads and removes the files of the processes that have written their spans. Empty files stay. */
export function takeSpans(directory: string): Span[] {
  return filesIn(directory).flatMap((path) => {
    try {
      if (statSync(path).size === 0) return [];
      const spans = readSpans(path);
      rmSync(path, { force: true });
      return spans;
    } catch {
      rmSync(path, { force: true }); // malformed
      return [];
    }
  });
}
