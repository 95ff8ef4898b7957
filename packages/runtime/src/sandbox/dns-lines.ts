import { existsSync, readFileSync } from 'node:fs';
import type { Spec } from '@kata-containers/common/oci/spec';
import { resolvConfSource } from '../storage/share-plan.ts';

/** Lines of the container's resolv.conf; empty without a resolv.conf. */
export function dnsLines({ mounts = [] }: Pick<Spec, 'mounts'>): string[] {
  const path = resolvConfSource(mounts);
  return path !== undefined && existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}
