/** Block devices of the host, from /dev and sysfs (Documentation/ABI/stable/sysfs-block). */
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { DiskFacts, WantedDisk } from './disk-plan.ts';

/** Directories in which the host lists its devices; tests use others. */
export interface DiskPlaces {
  readonly sys: string;
  readonly dev: string;
  readonly numberAt: DiskFacts['numberAt'];
}

function numberAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice() !== true) return undefined;
  const { major, minor } = unpackDevice(stat.rdev);
  return `${major}:${minor}`;
}

export const hostPlaces: DiskPlaces = { sys: '/sys', dev: '/dev', numberAt };

/** Empty when the file does not exist. */
export function attribute(directory: string, name: string): string {
  try {
    return readFileSync(`${directory}/${name}`, 'latin1').trim();
  } catch {
    return '';
  }
}

export function diskFacts({ sys, numberAt: nodeAt }: DiskPlaces = hostPlaces): DiskFacts {
  const of = (number: string): string => `${sys}/dev/block/${number}`;
  return {
    numberAt: nodeAt,
    exists: (number) => existsSync(of(number)),
    isReadonly: (number) => attribute(of(number), 'ro') === '1',
    kindOf: (number) => (['device-mapper', 'loop'] as const).find((kind) => existsSync(`${of(number)}/${kind === 'loop' ? 'loop' : 'dm'}`)),
  };
}

/** A disk that exists and can be opened by its path. */
export interface HostDisk extends WantedDisk {
  readonly path: string;
  readonly bytes: number;
}

/** Checks the disk first: QEMU's error is unclear, and contains phrases from which dockerd derives exit codes. */
function requireUsable(path: string, directory: string): void {
  if (Number(attribute(directory, 'size')) === 0) throw new KataError(`block device ${path} is empty: nothing is attached to it`);
  try {
    closeSync(openSync(path, 'r'));
  } catch (error) {
    throw new KataError(`block device ${path} cannot be opened (${errorCode(error) ?? 'unknown'})`);
  }
}

/** Unit of sizes in sysfs. */
const SECTOR = 512;

/** The device node at the given path, or else the node that the kernel names. @throws KataError for a missing or unusable node */
export function findDisk(wanted: WantedDisk, { sys, dev, numberAt: nodeAt }: DiskPlaces = hostPlaces): HostDisk {
  const { number, hint, image } = wanted;
  if (image !== undefined) return { ...wanted, path: image, bytes: statSync(image).size };
  const directory = `${sys}/dev/block/${number}`;
  if (!existsSync(directory)) throw new KataError(`the host has no block device ${number} (${hint})`);
  const name = /^DEVNAME=(.+)$/m.exec(attribute(directory, 'uevent'))?.[1] ?? '';
  const path = [hint, `${dev}/${name}`].find((candidate) => nodeAt(candidate) === number);
  if (path === undefined) throw new KataError(`block device ${number} (${hint}) has no node ${dev}/${name}`);
  requireUsable(path, directory);
  return { ...wanted, path, bytes: Number(attribute(directory, 'size')) * SECTOR };
}
