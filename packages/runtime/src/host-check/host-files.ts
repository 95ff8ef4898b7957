/** The files of a host, below a root: "/", or a fake tree in tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

export interface HostFiles {
  exists(path: string): boolean;
  /** @throws KataError */
  read(path: string): string;
}

export const hostFiles = (root = '/'): HostFiles => ({
  exists: (path) => existsSync(join(root, path)),
  read: (path) => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch (error) {
      throw new KataError(`${path} cannot be read (${errorCode(error) ?? 'unknown'})`);
    }
  },
});
