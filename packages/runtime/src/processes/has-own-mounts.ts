import { readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { childrenOf } from './process-use.ts';

function mountNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // ended
  }
}

/** Whether a process, or a child of it, has another mount namespace than kata-runtime. */
export function hasOwnMounts({ pid }: ProcessIdentity): boolean {
  const own = mountNamespaceOf('self');
  return [pid, ...childrenOf(pid)].some((member) => (mountNamespaceOf(member) ?? own) !== own);
}
