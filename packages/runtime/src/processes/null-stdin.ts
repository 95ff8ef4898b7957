/** True when stdin is /dev/null. The process in the guest then also gets /dev/null, because the shim would only forward end of file. */
import { fstatSync } from 'node:fs';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';

export function isNullStdin(fd = 0): boolean {
  try {
    const stat = fstatSync(fd);
    if (!stat.isCharacterDevice()) return false;
    const { major, minor } = unpackDevice(stat.rdev);
    return major === 1 && minor === 3;
  } catch {
    return false; // closed
  }
}
