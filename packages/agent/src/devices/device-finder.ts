/** Finds block devices for storages and devices of a request. Loaded with the first one. */
import { existsSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { guestRoots, namedDevice, numberOfNode, pciDevice, scsiDevice } from './find-device.ts';
import type { DeviceRoots, Sought } from './find-device.ts';
import { kernelArrivals, waitForDevice } from './wait-for-device.ts';
import type { Arrivals } from './wait-for-device.ts';

type Locate = (address: string, roots: DeviceRoots) => Sought;

/** Where the address of each driver leads. */
const locate: Readonly<Record<string, Locate>> = { blk: pciDevice, scsi: scsiDevice, nvdimm: namedDevice };

export interface FinderOptions {
  readonly timeoutMs: number;
  readonly listen: () => Arrivals;
  readonly roots?: DeviceRoots;
}

export const finderOptions = (timeoutMs: number, kernel: Pick<Kernel, 'openUeventSocket'>): FinderOptions => ({
  timeoutMs,
  listen: () => kernelArrivals(kernel),
});

/** The path of the node. A path may be given in place of an address: then it must be a device. @throws GrpcError, Error */
export async function findDevice(driver: string, address: string, options: FinderOptions): Promise<string> {
  const { timeoutMs, listen, roots = guestRoots } = options;
  const isPath = address.startsWith('/dev');
  if (isPath && (driver !== 'nvdimm' || existsSync(address))) {
    numberOfNode(address);
    return address;
  }
  const sought = (locate[driver] ?? namedDevice)(address, roots);
  return waitForDevice(sought.name, sought.find, timeoutMs, listen);
}
