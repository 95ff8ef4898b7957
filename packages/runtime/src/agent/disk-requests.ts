/** Disks in the words of a request: what the guest mounts, and what a container sees as a device (agent.proto). Pure. */
import { memoryAddressOption } from '@kata-containers/common/agent-api/memory-address';
import { Device, Storage } from '@kata-containers/common/generated/agent';

/** By which of its drivers the agent finds a disk, and where. */
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

/** The agent gives the device of that path in the specification the number that the disk has in the guest. */
export function diskDevice(disk: GuestDisk, containerPath: string): Device {
  const { driver, address } = disk;
  const where = driver === 'nvdimm' ? { vm_path: address } : { id: address };
  return Device.fromPartial({ type: driver, ...where, container_path: containerPath, options: hints(disk) });
}
