import { writeSync } from 'node:fs';

const STDERR = 2;

/** Prints on stderr: stdout has the result only. */
export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) writeSync(STDERR, `WARNING: ${warning}\n`);
}
