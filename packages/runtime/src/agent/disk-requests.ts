/** Builds the messages for disks: the storages that the guest mounts, and the devices of a container (agent.proto). Pure. */
import { memoryAddressOption } from '@kata-containers/common/agent-api/memory-address';
import { Device, Storage } from '@kata-containers/common/generated/agent';

/** The agent's driver for a disk, and the disk's address. */
export interface GuestDisk {
  readonly driver: 'scsi' | 'blk' | 'nvdimm';
  readonly address: string;
  /** Where in the guest's memory an NVDIMM is. */
  readonly memory?: bigint;
}

export interface DiskMount {
  readonly fstype: string;
  readonly options: readonly string[];
  readonly point: string;
}

const hints = ({ memory }: GuestDisk): string[] => (memory === undefined ? [] : [memoryAddressOption(memory)]);

export const diskStorage = (disk: GuestDisk, { fstype, options, point }: DiskMount): Storage =>
  Storage.fromPartial({
    driver: disk.driver,
    driver_options: hints(disk),
    source: disk.address,
    fstype,
    options: [...options],
    mount_point: point,
  });

/** The agent sets the guest's device number in the device of that path in the specification. */
export function diskDevice(disk: GuestDisk, containerPath: string): Device {
  const { driver, address } = disk;
  const where = driver === 'nvdimm' ? { vm_path: address } : { id: address };
  return Device.fromPartial({ type: driver, ...where, container_path: containerPath, options: hints(disk) });
}
