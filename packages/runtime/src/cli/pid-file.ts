import { renameSync, writeFileSync } from 'node:fs';

/** Decimal, without a line feed, whole at once. Its appearance tells the engine that all is done: it must come last. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  writeFileSync(`${path}.${process.pid}`, String(pid), { mode: 0o644 });
  renameSync(`${path}.${process.pid}`, path);
}
