/** Assigns block devices of the host to disks of the VM, and records their users. Pure. */
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import type { DiskCache, DiskDriver } from '../hypervisor/qemu/disk.ts';
import type { WantedDisk } from '../storage/disk-plan.ts';
import { freeSlot, lowestFree } from './bridge-slot-plan.ts';
import type { DiskConfig, DiskRecord, SandboxState } from '../state/state.ts';

function nvdimms({ image, disable_image_nvdimm, block_device_driver }: HypervisorConfiguration): Pick<DiskConfig, 'NvdimmCount'> {
  if (image !== '' && !disable_image_nvdimm) return { NvdimmCount: 1 };
  return block_device_driver === 'nvdimm' ? { NvdimmCount: 0 } : {};
}

export const diskConfig = (configuration: HypervisorConfiguration): DiskConfig => ({
  BlockDeviceDriver: configuration.block_device_driver as DiskDriver, // the schema allows no other value
  ...nvdimms(configuration),
  DisableBlockDeviceUse: configuration.disable_block_device_use,
  BlockDeviceCacheSet: configuration.block_device_cache_set,
  BlockDeviceCacheDirect: configuration.block_device_cache_direct,
  BlockDeviceCacheNoflush: configuration.block_device_cache_noflush,
});

/** undefined for QEMU's default. */
export const diskCache = (config: DiskConfig): DiskCache | undefined =>
  config.BlockDeviceCacheSet ? { direct: config.BlockDeviceCacheDirect, 'no-flush': config.BlockDeviceCacheNoflush } : undefined;

/** Whether two requests are for the same disk: a read-only request must not get a writable disk. */
export const isSameDisk = (record: DiskRecord, { number, isReadonly }: WantedDisk): boolean =>
  record.Number === number && record.ReadOnly === isReadonly;

/** A new disk of one container. @throws KataError without a free slot */
export function placeDisk(state: SandboxState, disk: WantedDisk, { id, containerId, driver, nvdimms: first = 0 }: NewDisk): DiskRecord {
  const isNvdimm = driver === 'nvdimm';
  const others = (state.Devices ?? []).filter((record) => (record.Driver === 'nvdimm') === isNvdimm);
  const Index = lowestFree(isNvdimm ? first : 0, (index) => others.some((record) => record.Index === index));
  const Slot = driver === 'virtio-blk' ? freeSlot(state) : 0;
  const place = { Driver: driver, Index, Slot };
  return { ID: id, Number: disk.number, ReadOnly: disk.isReadonly, ...place, Plugged: false, Containers: [containerId] };
}

interface NewDisk {
  readonly id: string;
  readonly containerId: string;
  readonly driver: DiskDriver;
  /** How many NVDIMMs the VM was started with. */
  readonly nvdimms?: number | undefined;
}

export const withUser = (record: DiskRecord, containerId: string): DiskRecord =>
  record.Containers.includes(containerId) ? record : { ...record, Containers: [...record.Containers, containerId] };

/** The state with `record` added, or replacing the record with its id. */
export function withDisk(state: SandboxState, record: DiskRecord): SandboxState {
  const Devices = state.Devices ?? [];
  const isRecorded = Devices.some(({ ID }) => ID === record.ID);
  return { ...state, Devices: isRecorded ? Devices.map((own) => (own.ID === record.ID ? record : own)) : [...Devices, record] };
}

export const withoutDisk = (state: SandboxState, { ID }: DiskRecord): SandboxState => ({
  ...state,
  Devices: (state.Devices ?? []).filter((own) => own.ID !== ID),
});
