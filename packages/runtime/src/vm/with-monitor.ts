import { isAlive } from '@kata-containers/common/process/process-identity';
import { openMonitor } from '../hypervisor/qemu/qemu-process.ts';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import { QMP_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { SandboxState } from '../state/state.ts';

type Use<T> = (monitor: QmpClient) => Promise<T>;

/** Opens QEMU's monitor for `use` and closes it again. @throws TimeoutError, HypervisorError */
export async function withMonitorAt<T>(qmpSocket: string, accelerator: Accelerator, use: Use<T>, isExpected?: () => boolean): Promise<T> {
  const monitor = await openMonitor(qmpSocket, guestTimeout(QMP_TIMEOUT_MS, accelerator), isExpected);
  try {
    return await use(monitor);
  } finally {
    monitor.close();
  }
}

/** Like `withMonitorAt`, for the VM of sandbox `id`. Fails at once when the VM has ended. */
export const withMonitor = <T>(id: string, { HypervisorState: { Accelerator, Process } }: SandboxState, use: Use<T>): Promise<T> =>
  withMonitorAt(sandboxPaths(id).qmpSocket, Accelerator, use, () => isAlive(Process));
