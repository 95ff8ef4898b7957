/** How many links docker's hook will add to the container's network namespace. */
import { readNameFile } from '@kata-containers/common/dns/read-name-file';
import type { Spec } from '@kata-containers/common/oci/spec';

/**
 * By the hosts file that the container will have: docker up to 27 allocates addresses before the container is created, and writes a line
 * `ADDRESS HOSTNAME` for each link.
 * @returns undefined without such a file
 */
export function expectedLinks({ hostname = '', mounts = [] }: Pick<Spec, 'hostname' | 'mounts'>): number | undefined {
  const source = mounts.find(({ destination }) => destination === '/etc/hosts')?.source ?? '';
  const text = hostname === '' || source === '' ? undefined : readNameFile(source);
  const lines = text?.split('\n').map((line) => line.trim().split(/\s+/));
  return lines?.filter(([address = '', ...names]) => address.includes('.') && names.includes(hostname)).length;
}
