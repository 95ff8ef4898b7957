/** Types of devices that a request may name. Apart, because the agent tells them to every runtime and finds them for few. */
export const deviceTypes = ['blk', 'scsi', 'mmioblk', 'nvdimm'] as const;
export type DeviceType = (typeof deviceTypes)[number];
