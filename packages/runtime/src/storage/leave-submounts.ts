/**
 * Leaves the mounts below a container's volumes to the process that serves the share, in its own mount namespace. The host cannot remove a
 * mount point that has a mount in the host's namespace (EBUSY), even in the share: the volume's own mount points would be blocked while the
 * container exists. Mounts of other namespaces are unmounted when their mount point is removed (mount_namespaces(7)).
 */
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { MS_PRIVATE, MS_REC } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { SandboxPaths } from '../context/paths.ts';
import { mountPointsBelow, readMountTable } from '../mounts/mount-table.ts';
import type { SharedPath } from './share-plan.ts';

type Calls = Pick<Kernel, 'mount' | 'umountExactly'>;

function unmountBelow(path: string, table: string, kernel: Calls): void {
  for (const point of mountPointsBelow(path, table)) if (point !== path) kernel.umountExactly(point);
}

/**
 * The copy in `shared` propagates to no other mount. The copies in other namespaces follow the mount in `mounts` until it is private. At each
 * moment, unmounting everything in `mounts` and removing the mount points, as the journal does, leaves no mount in any namespace.
 */
function leaveThoseOf(path: string, copy: string, table: string, kernel: Calls): void {
  unmountBelow(copy, table, kernel);
  kernel.mount('none', path, 'none', MS_PRIVATE | MS_REC);
  unmountBelow(path, table, kernel);
}

/** Later mounts of the host reach a volume through the mounts of the share: a volume that gets them is not changed. */
export function leaveSubmounts(paths: Pick<SandboxPaths, 'mounts' | 'shared'>, volumes: readonly SharedPath[], kernel: Calls): void {
  const table = readMountTable();
  for (const { name } of volumes.filter(({ laterMounts }) => !laterMounts)) {
    const [path, copy] = [join(paths.mounts, name), join(paths.shared, name)];
    if (mountPointsBelow(path, table).length < 2) continue;
    try {
      leaveThoseOf(path, copy, table, kernel);
    } catch (error) {
      if (errorCode(error) === undefined) throw error; // a process of the host uses or changes them: they stay until the container is removed
    }
  }
}
