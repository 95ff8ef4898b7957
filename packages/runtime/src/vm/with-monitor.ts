import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { openMonitor } from '../hypervisor/qemu/qemu-process.ts';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import { QMP_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { SandboxState } from '../state/state.ts';

type Use<T> = (monitor: QmpClient) => Promise<T>;

export interface MonitoredVm {
  readonly qmpSocket: string;
  readonly accelerator: Accelerator;
  /** QEMU. */
  readonly vm: ProcessIdentity;
}

/** Opens QEMU's monitor for `use` and closes it again. Fails at once when QEMU has ended. @throws TimeoutError, HypervisorError */
export async function withMonitorAt<T>({ qmpSocket, accelerator, vm }: MonitoredVm, use: Use<T>): Promise<T> {
  const monitor = await openMonitor(qmpSocket, guestTimeout(QMP_TIMEOUT_MS, accelerator), () => isAlive(vm));
  try {
    return await use(monitor);
  } finally {
    monitor.close();
  }
}

/** Like `withMonitorAt`, for the VM of sandbox `id`. */
export const withMonitor = <T>(id: string, { HypervisorState: { Accelerator, Process } }: SandboxState, use: Use<T>): Promise<T> =>
  withMonitorAt({ qmpSocket: sandboxPaths(id).qmpSocket, accelerator: Accelerator, vm: Process }, use);
