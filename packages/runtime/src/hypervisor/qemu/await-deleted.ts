import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { QmpClient } from '../qmp/qmp-client.ts';

/** Asks the guest to let a device go, named by its id or its path in QEMU, and waits until it has. @throws QmpError, TimeoutError */
export async function awaitDeleted(monitor: QmpClient, id: string, timeoutMs: number): Promise<void> {
  let stop = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  const deleted = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`the guest to let device ${id} go`, timeoutMs)), timeoutMs);
    stop = monitor.onEvent(({ name, data }) => {
      if (name === 'DEVICE_DELETED' && (data['device'] === id || data['path'] === id)) resolve();
    });
  });
  deleted.catch(() => {}); // when device_del is refused, no caller waits
  try {
    await monitor.execute('device_del', { id });
    await deleted;
  } finally {
    stop();
    clearTimeout(timer);
  }
}
