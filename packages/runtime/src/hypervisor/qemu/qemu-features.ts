/** What only qemu-lite can do (packaging/qemu): its package lists it in a file beside the ROMs. Another QEMU has no such file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type QemuFeature = 'attributes-of-open-files' | 'kept-code' | 'special-files-on-9p';

/** `binary` has its links resolved. */
export function hasFeature(binary: string, feature: QemuFeature): boolean {
  try {
    return (
      readFileSync(join(dirname(binary), '../share/qemu-lite/features'), 'utf8')
        .split('\n')
        .includes(feature) && isLite(binary)
    );
  } catch {
    return false;
  }
}

/** A QEMU of the distribution lies in the same directory. */
const isLite = (binary: string): boolean => binary.endsWith('/qemu-lite-system-x86_64');
