/** The templates as `factory status` lists them. */
import { readdirSync } from 'node:fs';
import { commandLineOf } from '../../processes/process-use.ts';
import type { TemplateInfo } from './template-store.ts';

const MIB = 1 << 20;
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** `2 d`, `3 h`, `4 min` or `5 s`. */
export function ageText(seconds: number): string {
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1];
  return `${Math.floor(seconds / length)} ${unit}`;
}

/** Command lines of all processes. */
const commandLines = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLineOf(Number(pid)));

/** Header and one row for each template; `running` are the command lines in which a clone names its memory file. */
export function templateRows(templates: readonly TemplateInfo[], nowMs: number, running = commandLines()): string[][] {
  const rows = templates.map(({ key, bytes, madeMs, isFresh, memory }) => {
    const clones = running.filter((line) => line.includes(`mem-path=${memory},`) || line.includes(`mem-path=${memory}\0`)).length;
    const age = ageText(Math.max(0, (nowMs - madeMs) / 1000));
    return [key, `${Math.ceil(bytes / MIB)} MiB`, age, String(clones), isFresh ? 'usable' : 'outdated'];
  });
  return [['TEMPLATE', 'SIZE', 'AGE', 'CLONES', 'STATE'], ...rows];
}
