/** Types of devices that a request may name. In a separate file: every runtime asks for the list, and few requests have a device. */
export const deviceTypes = ['blk', 'scsi', 'mmioblk', 'nvdimm'] as const;
export type DeviceType = (typeof deviceTypes)[number];
