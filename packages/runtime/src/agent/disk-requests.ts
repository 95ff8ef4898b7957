/** Disks in the words of a request: what the guest mounts, and what a container sees as a device (agent.proto). Pure. */
import { Device, Storage } from '@kata-containers/common/generated/agent';

/** By which of its drivers the agent finds a disk, and where. */
export interface GuestDisk {
  readonly driver: 'scsi' | 'blk' | 'nvdimm';
  readonly address: string;
}

export interface DiskMount {
  readonly fstype: string;
  readonly options: readonly string[];
  readonly point: string;
}

export const diskStorage = ({ driver, address }: GuestDisk, { fstype, options, point }: DiskMount): Storage =>
  Storage.fromPartial({ driver, source: address, fstype, options: [...options], mount_point: point });

/** The agent gives the device of that path in the specification the number that the disk has in the guest. */
export const diskDevice = ({ driver, address }: GuestDisk, containerPath: string): Device =>
  Device.fromPartial({ type: driver, ...(driver === 'nvdimm' ? { vm_path: address } : { id: address }), container_path: containerPath });
