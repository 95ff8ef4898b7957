/** How QEMU ended. QEMU is not the proxy's child, so its wait status is read by its pidfd. */
import { setTimeout as sleep } from 'node:timers/promises';
import { QEMU_PIDFD_VARIABLE } from '@kata-containers/common/command-lines/proxy-command-line';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

/** QEMU's sockets close a moment before QEMU ends. */
const END_MS = 1000;
/** No event that the engine can await tells that the parent, an engine's process, has waited for QEMU. */
const POLL_MS = 10;

/** A wait status (wait(2)). `pending`: QEMU is running. `unknown`: the kernel is older than Linux 6.15, or the runtime passed no pidfd. */
export type QemuExit = ReturnType<Kernel['exitStatus']>;

export async function qemuExit(environment: NodeJS.ProcessEnv, kernel: Pick<Kernel, 'exitStatus'>): Promise<QemuExit> {
  const pidfd = environment[QEMU_PIDFD_VARIABLE];
  if (pidfd === undefined || !/^\d+$/.test(pidfd)) return 'unknown';
  const deadline = performance.now() + END_MS;
  for (;;) {
    const status = kernel.exitStatus(Number(pidfd));
    if (status !== 'pending' || performance.now() > deadline) return status;
    await sleep(POLL_MS);
  }
}
