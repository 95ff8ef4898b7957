import { readNameFile } from '@kata-containers/common/dns/read-name-file';
import type { Spec } from '@kata-containers/common/oci/spec';
import { resolvConfSource } from '../storage/share-plan.ts';

/** Lines of the container's resolv.conf; empty without a resolv.conf. */
export function dnsLines({ mounts = [] }: Pick<Spec, 'mounts'>): string[] {
  const path = resolvConfSource(mounts);
  const text = path === undefined ? undefined : readNameFile(path);
  return (text ?? '').split('\n').filter(Boolean);
}
