/** Features that only qemu-lite has (packaging/qemu). The package of qemu-lite has a file beside the ROMs that lists them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type QemuFeature =
  'acls-and-capabilities-on-9p' | 'attributes-of-open-files' | 'kept-code' | 'read-only-memory-files' | 'special-files-on-9p';

/** `binary` must be a path without symbolic links. */
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

/** The distribution's QEMU is in the same directory. */
const isLite = (binary: string): boolean => binary.endsWith('/qemu-lite-system-x86_64');
