/** The daemon's record, beside its socket under /run: it survives SIGKILL, but not a reboot. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parseDaemonRecord } from './parse-daemon-record.ts';
import type { DaemonRecord } from './parse-daemon-record.ts';

export const recordPath = (socket: string): string => `${socket}.state`;

/** Undefined when the file does not exist or is damaged. */
export function readRecord(path: string): DaemonRecord | undefined {
  try {
    return parseDaemonRecord(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Written atomically: a killed process leaves the old record or the new one. */
export function writeRecord(path: string, record: DaemonRecord): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o640 });
  renameSync(`${path}.new`, path);
}

export function removeRecord(path: string): void {
  for (const name of [path, `${path}.new`]) rmSync(name, { force: true });
}
