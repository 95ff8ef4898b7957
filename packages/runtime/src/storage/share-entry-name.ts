import { basename } from 'node:path';

/** Longest name of a directory entry, in bytes (NAME_MAX of limits.h). */
const MAX_BYTES = 255;

/**
 * `head` followed by the last component of a path, which makes a directory listing readable; `head` alone when the name would be too long.
 */
export function shareEntryName(head: string, path: string): string {
  const name = `${head}-${basename(path) || 'root'}`;
  return Buffer.byteLength(name) > MAX_BYTES ? head : name;
}
