import { readdirSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';

/**
 * Names of the subdirectories of a directory; empty when the directory does not exist, because another process may remove it at any moment.
 */
export function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
}
