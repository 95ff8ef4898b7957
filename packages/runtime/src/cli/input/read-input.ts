import { readFileSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

const STDIN = 0;

/** The text of a file, or of standard input for `-`. @throws KataError */
export function readInput(path: string): string {
  try {
    return readFileSync(path === '-' ? STDIN : path, 'utf8');
  } catch (error) {
    throw new KataError(`${path === '-' ? 'standard input' : path} cannot be read (${errorCode(error) ?? 'unknown'})`);
  }
}
