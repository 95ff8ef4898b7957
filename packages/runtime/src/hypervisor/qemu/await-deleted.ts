import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import type { QmpClient } from '../qmp/qmp-client.ts';

/**
 * Asks the guest to release a device (its id or path in QEMU), and waits until the guest has released it.
 * @throws QmpError, TimeoutError
 */
export async function awaitDeleted(monitor: QmpClient, id: string, timeoutMs: number): Promise<void> {
  const { promise: deleted, resolve } = Promise.withResolvers<void>();
  const stop = monitor.onEvent(({ name, data }) => {
    if (name === 'DEVICE_DELETED' && (data['device'] === id || data['path'] === id)) resolve();
  });
  try {
    await monitor.execute('device_del', { id });
    await withTimeout(deleted, timeoutMs, () => new TimeoutError(`the guest to release device ${id}`, timeoutMs));
  } finally {
    stop();
  }
}
