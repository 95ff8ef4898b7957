/** Saves the results of bench/ksm.ts for bench/ksm-report.ts: each part takes minutes and is a run of its own. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CONTAINERS = 10;
export const IDLE_DURING_LATENCY = 4;

const directory = join(import.meta.dirname, '../.cache/ksm');
const file = (name: string): string => join(directory, `${name}.json`);

export function saveResult(name: string, result: unknown): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(file(name), JSON.stringify(result, null, 2));
}

/** Undefined without a saved result. */
export const loadResult = (name: string): unknown => (existsSync(file(name)) ? JSON.parse(readFileSync(file(name), 'utf8')) : undefined);
