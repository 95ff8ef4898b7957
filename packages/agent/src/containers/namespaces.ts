/** The sandbox's own IPC and UTS namespaces, which its containers share. Bind mounts keep them alive. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { CLONE_NEWIPC, CLONE_NEWUTS, MNT_DETACH, MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

const KINDS = [
  ['ipc', CLONE_NEWIPC],
  ['uts', CLONE_NEWUTS],
] as const;

export const namespacePaths = (directory: string): { readonly ipc: string; readonly uts: string } => ({
  ipc: `${directory}/ipc`,
  uts: `${directory}/uts`,
});

/** The main thread enters new namespaces, bind-mounts them, and returns to its own. */
export function createNamespaces(
  directory: string,
  hostname: string,
  kernel: Pick<Kernel, 'unshare' | 'setns' | 'mount' | 'sethostname'>,
): void {
  mkdirSync(directory, { recursive: true });
  const homes = KINDS.map(([name, type]) => [openSync(`/proc/self/ns/${name}`, 'r'), type] as const);
  try {
    kernel.unshare(CLONE_NEWIPC | CLONE_NEWUTS);
    if (hostname !== '') kernel.sethostname(hostname);
    for (const [name] of KINDS) {
      writeFileSync(`${directory}/${name}`, '');
      kernel.mount(`/proc/self/ns/${name}`, `${directory}/${name}`, 'none', MS_BIND);
    }
  } finally {
    for (const [fd, type] of homes) {
      kernel.setns(fd, type);
      closeSync(fd);
    }
  }
}

export function removeNamespaces(directory: string, kernel: Pick<Kernel, 'umount'>): void {
  for (const [name] of KINDS) {
    kernel.umount(`${directory}/${name}`, MNT_DETACH);
    rmSync(`${directory}/${name}`);
  }
}
