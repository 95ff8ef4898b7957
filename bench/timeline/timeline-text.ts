/** Prints a timeline for a terminal. Pure. */
import type { Timeline } from './timeline.ts';

const WIDTH = 60;
const LABEL = 38;

export function timelineText({ totalMs, firstOutputMs, rows }: Timeline): string {
  const column = (ms: number): number => Math.min(WIDTH - 1, Math.floor((ms / totalMs) * WIDTH));
  const lines = rows.map(({ label, beginMs, ms, depth }) => {
    const [from, to] = [column(beginMs), column(beginMs + ms)];
    const bar = ' '.repeat(from) + (depth === 0 ? '█' : '▒').repeat(Math.max(1, to - from));
    return `${('  '.repeat(depth) + label).padEnd(LABEL)}${String(Math.round(ms)).padStart(6)} ms  ${bar}`;
  });
  const title = `One docker run: ${Math.round(totalMs)} ms, first output after ${Math.round(firstOutputMs)} ms`;
  return [title, ...lines].join('\n');
}
