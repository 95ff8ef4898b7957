import { existsSync, readFileSync, statSync } from 'node:fs';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';

/** The device of the root file system, and the disk whose partition it is; none with an initrd. */
export function rootDevices(): DeviceNumber[] {
  const number = unpackDevice(statSync('/').dev);
  if (number.major === 0) return [];
  const device = `/sys/dev/block/${number.major}:${number.minor}`;
  if (!existsSync(`${device}/partition`)) return [number];
  const [major, minor] = readFileSync(`${device}/../dev`, 'latin1').split(':').map(Number);
  return [number, { major: major ?? 0, minor: minor ?? 0 }];
}
