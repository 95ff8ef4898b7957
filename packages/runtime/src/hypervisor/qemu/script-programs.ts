/** Programs that a QEMU wrapper script names by absolute paths. */
import { readFileSync, statSync } from 'node:fs';

/** Scripts are short. */
const SCRIPT_BYTES = 65536;

function isProgram(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}

/** Returns an empty list for a program that is not a script. Other files in the script are ignored. @throws Error when the program is missing */
export function programsOf(path: string): string[] {
  if (statSync(path).size > SCRIPT_BYTES) return [];
  const text = readFileSync(path, 'latin1');
  if (!text.startsWith('#!')) return [];
  const paths = text.match(/(?<![\w.+-])\/[\w./+-]+/g) ?? [];
  return [...new Set(paths)].filter(isProgram);
}
