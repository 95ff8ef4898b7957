/**
 * runc's `--pidfd-socket` (1.2 and later): the listener receives a pidfd of the new process, here of its shim. By a pidfd a caller can
 * signal the process and wait for it, without the risk of a reused pid.
 */
import { closeSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { SpawnedProcess } from './spawn-detached.ts';

/** runc's names of a container's first process and of a further one (libcontainer/init_linux.go, setupPidfd): the message's data. */
export type ProcessKind = 'standard' | 'setns';

/** Has no effect without a socket. @throws KernelError when no process listens */
export function sendPidfd(
  socketPath: string | undefined,
  { identity }: Pick<SpawnedProcess, 'identity'>,
  kind: ProcessKind,
  kernel: Pick<Kernel, 'openPidfd' | 'sendDescriptor'>,
): void {
  if (socketPath === undefined) return;
  const pidfd = kernel.openPidfd(identity.pid);
  try {
    kernel.sendDescriptor(socketPath, pidfd, kind);
  } finally {
    closeSync(pidfd);
  }
}
