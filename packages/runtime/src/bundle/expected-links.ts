/** How many links docker's hook will add to the container's network namespace. */
import { readFileSync, statSync } from 'node:fs';
import type { Spec } from '@kata-containers/common/oci/spec';

/** A hosts file with more bytes was not written by docker alone. */
const MAX_BYTES = 64 << 10;

function readSmallFile(path: string): string {
  const { size } = statSync(path);
  return size <= MAX_BYTES ? readFileSync(path, 'utf8') : '';
}

/**
 * By the hosts file that the container will have: docker up to 27 allocates addresses before the container is created, and writes a line
 * `ADDRESS HOSTNAME` for each link.
 * @returns undefined without such a file
 */
export function expectedLinks({ hostname = '', mounts = [] }: Pick<Spec, 'hostname' | 'mounts'>): number | undefined {
  const source = mounts.find(({ destination }) => destination === '/etc/hosts')?.source ?? '';
  if (hostname === '' || statSync(source, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const lines = readSmallFile(source).split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([address = '', ...names]) => address.includes('.') && names.includes(hostname)).length;
}
