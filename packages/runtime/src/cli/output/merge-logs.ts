/** Merges several logs of one sandbox by time. Pure. */
import { sanitizeLine } from '@kata-containers/common/errors/guest-text';
import { parseLogLine } from './parse-log-line.ts';
import type { LogLine } from './parse-log-line.ts';

export interface LogSource {
  /** Name that is printed before each line that names no process: `qemu`. */
  readonly name: string;
  readonly text: string;
  /** Time of lines before the first one with a time, in milliseconds since 1970. */
  readonly startedMs: number;
}

interface Line extends LogLine {
  readonly timeMs: number;
}

/** logrus's `time="…"`, or an RFC 3339 time at the beginning of the line. */
function timeOf(text: string): number | undefined {
  const [, logrus, plain] = /^(?:time="([^"]+)"|(\d{4}-\d\d-\d\dT\S+))/.exec(text) ?? [];
  const time = Date.parse(logrus ?? plain ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** A line without a time (QEMU's) has the time of the line before it. */
function linesOf({ name, text, startedMs }: LogSource): Line[] {
  let timeMs = startedMs;
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      timeMs = timeOf(line) ?? timeMs;
      return { timeMs, ...parseLogLine(line, name) };
    });
}

/** `TIME SOURCE text`; the sort is stable: lines with equal times keep their order. */
export function mergeLogs(sources: readonly LogSource[]): string {
  const lines = sources.flatMap(linesOf).sort((a, b) => a.timeMs - b.timeMs);
  const width = lines.reduce((widest, { source }) => Math.max(widest, source.length), 0);
  return lines
    .map(({ timeMs, source, text }) => `${new Date(timeMs).toISOString()} ${source.padEnd(width)} ${sanitizeLine(text)}\n`)
    .join('');
}
