/** The host's own values on disk, so that they come back even after a kill -9: the next start finds and keeps them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { KsmValues } from './ksm-files.ts';

/** Values saved by a daemon that did not end in order, or undefined. */
export function loadSaved(path: string): KsmValues | undefined {
  try {
    const { run, pages_to_scan, sleep_millisecs } = JSON.parse(readFileSync(path, 'utf8')) as Partial<KsmValues>;
    const values = [run, pages_to_scan, sleep_millisecs];
    return values.every((value) => /^\d+$/.test(value ?? '')) ? ({ run, pages_to_scan, sleep_millisecs } as KsmValues) : undefined;
  } catch {
    return undefined;
  }
}

export const save = (path: string, values: KsmValues): void => writeFileSync(path, JSON.stringify(values), { mode: 0o600 });
export const forget = (path: string): void => rmSync(path, { force: true });
