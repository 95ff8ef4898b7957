import { basename } from 'node:path';

/** Of an entry of a directory, in bytes (NAME_MAX of limits.h). */
const MAX_BYTES = 255;

/** `head` with the last name of a path behind it, for people who look at the directory; without that when the entry would be too long. */
export function shareEntryName(head: string, path: string): string {
  const name = `${head}-${basename(path) || 'root'}`;
  return Buffer.byteLength(name) > MAX_BYTES ? head : name;
}
