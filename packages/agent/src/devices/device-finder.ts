/** Finds block devices for storages and devices of a request. Loaded by the first request that names one. */
import { existsSync } from 'node:fs';
import { memoryAddressOf } from '@kata-containers/common/agent-api/memory-address';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { guestRoots, memoryDevice, namedDevice, numberOfNode, pciDevice, scsiDevice } from './find-device.ts';
import type { DeviceRoots, DeviceQuery } from './find-device.ts';
import { kernelArrivals, waitForDevice } from './wait-for-device.ts';
import type { Arrivals } from './wait-for-device.ts';

type Locate = (address: string, roots: DeviceRoots) => DeviceQuery;

/** How the address of each driver is resolved. */
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

/**
 * The path of the device node. The address may be a path of a device. `hints` are the options of the request.
 * @throws GrpcError, Error
 */
export async function findDevice(driver: string, address: string, options: FinderOptions, hints: readonly string[] = []): Promise<string> {
  const { timeoutMs, listen, roots = guestRoots } = options;
  const memory = driver === 'nvdimm' ? memoryAddressOf(hints) : undefined;
  if (memory !== undefined) {
    const { name, find } = memoryDevice(memory, roots);
    return waitForDevice(name, find, timeoutMs, listen);
  }
  const isPath = address.startsWith('/dev');
  if (isPath && (driver !== 'nvdimm' || existsSync(address))) {
    numberOfNode(address);
    return address;
  }
  const sought = (locate[driver] ?? namedDevice)(address, roots);
  return waitForDevice(sought.name, sought.find, timeoutMs, listen);
}
