/** Attaches network devices to a running VM, and detaches them. */
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QmpClient } from '../qmp/qmp-client.ts';
import { awaitDeleted } from './await-deleted.ts';
import { onBridge } from './bridge-place.ts';

type Sender = Pick<Kernel, 'sendDescriptorOver'>;

export interface NetworkCard {
  /** Name of the backend in QEMU: `network-N` for a device that the VM was started with, `brN_kata` for a hot-plugged one (1.x's names). */
  readonly netdev: string;
  /** Fd of the tap or of the macvtap's device. */
  readonly tap: number;
  /** Fd of /dev/vhost-net; undefined without vhost. */
  readonly vhost?: number;
  readonly mac: string;
  /** Slot on the first bridge, 1 to 30. */
  readonly slot: number;
}

/** Passes the fds to QEMU, with 1.x's names. @returns QEMU's options for the tap */
async function tapSource(monitor: QmpClient, { tap, vhost }: NetworkCard, kernel: Sender): Promise<Readonly<Record<string, unknown>>> {
  await monitor.giveDescriptor('fd0', tap, kernel);
  if (vhost === undefined) return { fds: 'fd0' };
  await monitor.giveDescriptor('vhostfd0', vhost, kernel);
  return { fds: 'fd0', vhost: true, vhostfds: 'vhostfd0' };
}

/** @throws QmpError, with nothing left in QEMU */
export async function plugCard(monitor: QmpClient, card: NetworkCard, kernel: Sender): Promise<void> {
  const { netdev, mac, slot } = card;
  const source = await tapSource(monitor, card, kernel);
  await monitor.execute('netdev_add', { type: 'tap', id: netdev, ...source });
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

/** QEMU's path of the device with the backend `netdev`. A device of the command line has no id. */
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

/** @throws QmpError, HypervisorError, TimeoutError when the guest does not release the device */
export async function unplugCard(monitor: QmpClient, netdev: string, timeoutMs: number): Promise<void> {
  await awaitDeleted(monitor, await cardPath(monitor, netdev), timeoutMs);
  await monitor.execute('netdev_del', { id: netdev });
}
