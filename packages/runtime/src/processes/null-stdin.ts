/** Whether the process that we start is to have /dev/null as its standard input. The shim has our stdin, and would pass its end on. */
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
