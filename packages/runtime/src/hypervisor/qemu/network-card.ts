/** Attaches network devices to a running VM, and detaches them. */
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QmpClient } from '../qmp/qmp-client.ts';
import { awaitDeleted } from './await-deleted.ts';
import { onBridge } from './bridge-place.ts';

export interface NetworkCard {
  /** Name of the backend in QEMU: `network-N` for a device that the VM was started with, `brN_kata` for a hot-plugged one (1.x's names). */
  readonly netdev: string;
  /** Opened by QEMU in its own network namespace, unless `descriptor` is set. */
  readonly tap: string;
  /** Fd of the tap's device. */
  readonly descriptor?: number;
  readonly mac: string;
  /** Slot on the first bridge, 1 to 30. */
  readonly slot: number;
  readonly vhost: boolean;
}

/** QEMU's options for the tap. An fd has 1.x's name. */
async function tapSource(
  monitor: QmpClient,
  { tap, descriptor }: NetworkCard,
  kernel: Pick<Kernel, 'sendDescriptorOver'>,
): Promise<Readonly<Record<string, unknown>>> {
  if (descriptor === undefined) return { ifname: tap, script: 'no', downscript: 'no' };
  await monitor.giveDescriptor('fd0', descriptor, kernel);
  return { fds: 'fd0' };
}

/** @throws QmpError, with nothing left in QEMU */
export async function plugCard(monitor: QmpClient, card: NetworkCard, kernel: Pick<Kernel, 'sendDescriptorOver'>): Promise<void> {
  const { netdev, mac, slot, vhost } = card;
  const source = await tapSource(monitor, card, kernel);
  await monitor.execute('netdev_add', { type: 'tap', id: netdev, ...source, ...(vhost && { vhost }) });
  try {
    const device = { driver: 'virtio-net-pci', id: `virtio-${netdev}`, netdev, mac, romfile: '' };
    await monitor.execute('device_add', { ...device, ...onBridge(slot) });
  } catch (error) {
    await monitor.execute('netdev_del', { id: netdev }).catch(() => {}); // the first error is reported
    throw error;
  }
}

interface Child {
  readonly name: string;
  readonly type: string;
}

/** QEMU's path of the device of `netdev`: a device that the VM was started with has no id. */
async function cardPath(monitor: QmpClient, netdev: string): Promise<string> {
  for (const parent of ['/machine/peripheral', '/machine/peripheral-anon']) {
    const children = (await monitor.execute('qom-list', { path: parent })) as readonly Child[];
    for (const { name } of children.filter(({ type }) => type === 'child<virtio-net-pci>')) {
      const path = `${parent}/${name}`;
      if ((await monitor.execute('qom-get', { path, property: 'netdev' })) === netdev) return path;
    }
  }
  throw new HypervisorError(`the VM has no network device ${netdev}`, '');
}

/** @throws QmpError, HypervisorError, TimeoutError when the guest does not let it go */
export async function unplugCard(monitor: QmpClient, netdev: string, timeoutMs: number): Promise<void> {
  await awaitDeleted(monitor, await cardPath(monitor, netdev), timeoutMs);
  await monitor.execute('netdev_del', { id: netdev });
}
