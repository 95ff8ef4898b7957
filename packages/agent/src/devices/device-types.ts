import type { Storage } from '@kata-containers/common/generated/agent';

/** Types of devices that a request may name. In a separate file: every runtime asks for the list, and few requests have a device. */
export const deviceTypes = ['blk', 'scsi', 'mmioblk', 'nvdimm'] as const;
export type DeviceType = (typeof deviceTypes)[number];

/** A volume that is a disk itself, not a file system on it. */
export const isDiskVolume = ({ driver, fstype }: Storage): boolean => fstype === 'bind' && deviceTypes.some((type) => type === driver);
