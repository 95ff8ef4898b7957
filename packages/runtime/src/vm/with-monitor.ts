import { openMonitor } from '../hypervisor/qemu/qemu-process.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import { QMP_TIMEOUT_MS, guestTimeout } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import type { SandboxState } from '../state/state.ts';

/** One conversation with QEMU's monitor. @throws TimeoutError, HypervisorError */
export async function withMonitor<T>(id: string, { HypervisorState }: SandboxState, use: (monitor: QmpClient) => Promise<T>): Promise<T> {
  const monitor = await openMonitor(sandboxPaths(id).qmpSocket, guestTimeout(QMP_TIMEOUT_MS, HypervisorState.Accelerator));
  try {
    return await use(monitor);
  } finally {
    monitor.close();
  }
}
