/** Attaches block devices of the host as disks to a running VM, and detaches them. */
import { KataError, QmpError } from '@kata-containers/common/errors/kata-error';
import type { QmpClient } from '../qmp/qmp-client.ts';
import { awaitDeleted } from './await-deleted.ts';
import { onBridge, pciPath } from './bridge-place.ts';

export type DiskDriver = 'virtio-scsi' | 'virtio-blk' | 'nvdimm';

/** Address of a disk in the VM. */
export interface DiskPlace {
  readonly driver: DiskDriver;
  /** Number of the disk among the VM's disks; of an NVDIMM, its number in the guest. */
  readonly index: number;
  /** Slot on the first bridge, 1 to 30; 0 for drivers other than virtio-blk. */
  readonly slot: number;
}

export interface DiskCache {
  /** Bypasses the host's page cache (O_DIRECT). */
  readonly direct: boolean;
  /** Flush requests of the guest are ignored. */
  readonly 'no-flush': boolean;
}

export interface Disk extends DiskPlace {
  /** Name of the backend in QEMU. */
  readonly id: string;
  /** QEMU's copy of the runtime's open fd: QEMU does not see the host's /dev. */
  readonly file: { readonly set: number; readonly fd: number };
  readonly bytes: number;
  readonly isReadonly: boolean;
  /** QEMU locks the node, so that no other VM can write to it. */
  readonly isExclusive: boolean;
  readonly cache: DiskCache | undefined;
}

/** Addresses on a SCSI bus: 256 LUNs on each target. */
const LUNS = 256;
const scsi = (index: number): { target: number; lun: number } => ({ target: Math.floor(index / LUNS), lun: index % LUNS });

/** The disk's driver and address, in the format of the agent. */
export function diskAddress({ driver, index, slot }: DiskPlace): { driver: 'scsi' | 'blk' | 'nvdimm'; address: string } {
  if (driver === 'nvdimm') return { driver: 'nvdimm', address: `/dev/pmem${index}` };
  if (driver === 'virtio-blk') return { driver: 'blk', address: pciPath(slot) };
  const { target, lun } = scsi(index);
  return { driver: 'scsi', address: `${target}:${lun}` };
}

function front({ id, driver, index, slot, isExclusive }: Disk): object {
  const common = { id: `virtio-${id}`, drive: id, 'share-rw': !isExclusive };
  if (driver === 'virtio-blk') return { ...common, driver: 'virtio-blk-pci', ...onBridge(slot), romfile: '' };
  const { target, lun } = scsi(index);
  return { ...common, driver: 'scsi-hd', bus: 'scsi0.0', 'scsi-id': target, lun };
}

const backend = (id: string): string => `nvdimmbackmem${id}`;
const nvdimm = (id: string): string => `nvdimm${id}`;

interface MemoryDevice {
  readonly id?: string;
  readonly addr?: number;
}

async function memoryDevice(monitor: QmpClient, id: string): Promise<MemoryDevice | undefined> {
  const devices = (await monitor.execute('query-memory-devices')) as readonly { readonly data?: MemoryDevice }[];
  return devices.find(({ data }) => data?.id === nvdimm(id))?.data;
}

/** The guest maps the pages of the file in the host's page cache: other processes see the guest's writes. The names are 1.x's. */
async function plugNvdimm(monitor: QmpClient, { id, file: { fd }, bytes, isReadonly }: Disk): Promise<number | undefined> {
  const file = { 'mem-path': `/proc/self/fd/${fd}`, size: bytes, share: true, readonly: isReadonly };
  await monitor.execute('object-add', { 'qom-type': 'memory-backend-file', id: backend(id), ...file });
  try {
    await monitor.execute('device_add', { driver: 'nvdimm', id: nvdimm(id), memdev: backend(id), unarmed: isReadonly });
    return (await memoryDevice(monitor, id))?.addr;
  } catch (error) {
    await monitor.execute('object-del', { id: backend(id) }).catch(() => {}); // the first error is reported
    throw error;
  }
}

/**
 * 1.x's names; since QEMU 6 the driver `file` accepts only regular files.
 * @returns the guest physical address of an NVDIMM.
 * @throws QmpError, with nothing left in QEMU
 */
export async function plugDisk(monitor: QmpClient, disk: Disk): Promise<number | undefined> {
  if (disk.driver === 'nvdimm') return plugNvdimm(monitor, disk);
  const { id, isReadonly, cache } = disk;
  const file = { driver: 'host_device', filename: `/dev/fdset/${disk.file.set}` };
  await monitor.execute('blockdev-add', { driver: 'raw', 'read-only': isReadonly, file, 'node-name': id, ...(cache && { cache }) });
  try {
    await monitor.execute('device_add', { ...front(disk) });
    return undefined;
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': id }).catch(() => {}); // the first error is reported
    throw error;
  }
}

const nodes = async (monitor: QmpClient): Promise<string[]> =>
  ((await monitor.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[]).map((node) => node['node-name']);

/** Removes an NVDIMM that was attached incompletely. QEMU cannot detach a complete NVDIMM from a running VM. */
async function unplugNvdimm(monitor: QmpClient, id: string): Promise<void> {
  if (await memoryDevice(monitor, id)) throw new KataError('an NVDIMM cannot be detached while its VM runs');
  await monitor.execute('object-del', { id: backend(id) }).catch(() => {}); // the object may not exist
}

/**
 * A disk that does not exist, or was attached incompletely, is a success.
 * @throws QmpError, TimeoutError when the guest does not release the disk, KataError for an NVDIMM
 */
export async function unplugDisk(monitor: QmpClient, { id, driver }: Pick<Disk, 'id' | 'driver'>, timeoutMs: number): Promise<void> {
  if (driver === 'nvdimm') return unplugNvdimm(monitor, id);
  try {
    await awaitDeleted(monitor, `virtio-${id}`, timeoutMs);
  } catch (error) {
    if (!(error instanceof QmpError) || error.qmpClass !== 'DeviceNotFound') throw error;
  }
  if ((await nodes(monitor)).includes(id)) await monitor.execute('blockdev-del', { 'node-name': id });
}
