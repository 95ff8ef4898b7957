/** What bench/ksm.ts has measured, kept for bench/ksm-report.ts: its parts take minutes each, and are run apart. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CONTAINERS = 10;
export const IDLE_WHILE_TIMED = 4;

const directory = join(import.meta.dirname, '../.cache/ksm');
const file = (name: string): string => join(directory, `${name}.json`);

export function keepResult(name: string, result: unknown): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(file(name), JSON.stringify(result, null, 2));
}

/** Undefined when it has not been measured. */
export const keptResult = (name: string): unknown => (existsSync(file(name)) ? JSON.parse(readFileSync(file(name), 'utf8')) : undefined);
