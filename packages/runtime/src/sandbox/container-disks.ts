/** The parts of a container's specification that are on block devices of the host: plans and attaches the disks, and builds the messages for the guest. */
import { realpathSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Device as GuestDevice, Storage } from '@kata-containers/common/generated/agent';
import type { Device, Mount } from '@kata-containers/common/oci/spec';
import { diskDevice, diskStorage } from '../agent/disk-requests.ts';
import type { Bundle } from '../bundle/load-bundle.ts';
import { planDevices, planDiskVolumes } from '../storage/disk-plan.ts';
import type { DevicePlan, DiskVolume, WantedDisk } from '../storage/disk-plan.ts';
import { remountReadOnlyForGuest } from '../storage/remount-read-only-for-guest.ts';
import { diskFacts, findDisk } from '../storage/host-disks.ts';
import { readMountTable } from '../mounts/mount-table.ts';
import { pmemImage } from '../storage/pmem-image.ts';
import { planPmemVolumes } from '../storage/pmem-plan.ts';
import { planRootfs } from '../storage/rootfs-plan.ts';
import type { RootfsDisk } from '../storage/rootfs-plan.ts';
import { shareFacts } from '../storage/share.ts';
import type { Context } from '../context/context.ts';
import { diskConfig } from './disk-place-plan.ts';
import { guestShare } from '../context/paths.ts';
import { plugDisks } from './plug-disks.ts';
import type { FindPlugged } from './plug-disks.ts';
import type { SandboxState } from '../state/state.ts';

export interface ContainerOnDisks {
  readonly storages: readonly Storage[];
  readonly devices: readonly GuestDevice[];
  /** Devices that stay in the specification; the agent changes the numbers of the disks among them. */
  readonly specDevices: readonly Device[];
  /**
   * The devices of `specDevices` that the container must not open: the host does not have them, and the guest may have other devices with
   * these numbers.
   */
  readonly absentDevices: readonly Device[];
  /** All mounts; mounts on disks have sources in the guest. */
  readonly mounts: readonly Mount[];
  /** Elements of `mounts` that the guest mounts. */
  readonly inGuest: ReadonlySet<Mount>;
  /** Path of a root on a disk, below the container's directory in the share. */
  readonly rootSuffix?: string;
}

export interface DiskRequest {
  readonly id: string;
  readonly sandboxId: string;
  readonly sandbox: Pick<SandboxState, 'Config'>;
  readonly bundle: Bundle;
  readonly mounts: readonly Mount[];
}

interface Plan {
  readonly devices: DevicePlan;
  readonly volumes: readonly DiskVolume[];
  readonly rootfs: RootfsDisk | undefined;
}

/** A device node of the host does not work in the guest: a volume that must not be attached is an error. */
function refuseVolumes(volumes: readonly DiskVolume[]): void {
  const [first] = volumes;
  if (first) throw new KataError(`${first.disk.hint} is a block device: disable_block_device_use forbids block devices as volumes`);
}

/**
 * `disable_block_device_use` applies to root file systems and volumes: requested devices are attached nevertheless (1.x).
 * @throws KataError for a volume that it forbids
 */
function plan({ configuration }: Context, { sandbox, bundle, mounts }: DiskRequest): Plan {
  const facts = diskFacts();
  const devices = planDevices(bundle.spec.linux ?? {}, facts);
  const volumes = planDiskVolumes(mounts, facts, shareFacts.randomName);
  const { DisableBlockDeviceUse, NvdimmCount } = sandbox.Config?.HypervisorConfig ?? diskConfig(configuration.hypervisor);
  if (DisableBlockDeviceUse) {
    refuseVolumes(volumes);
    return { devices, volumes, rootfs: undefined };
  }
  const real = { path: realpathSync(bundle.path), rootfs: shareFacts.kindOf(bundle.rootfs) ? realpathSync(bundle.rootfs) : bundle.rootfs };
  const table = readMountTable();
  const pmem = NvdimmCount === undefined ? [] : planPmemVolumes(mounts, table, { ...facts, imageOf: pmemImage }, shareFacts.randomName);
  return { devices, volumes: [...volumes, ...pmem], rootfs: planRootfs(real, table, facts) };
}

/** Excludes file systems that the host may still write to: they are shared as directories. */
function hold({ kernel, log }: Context, { devices, volumes, rootfs }: Plan): Plan {
  const isHeld = (point: string): boolean => {
    try {
      remountReadOnlyForGuest(kernel, point, readMountTable());
      return true;
    } catch (error) {
      log.warn('a file system is shared and not attached as a disk: the host may write to it', {
        path: point,
        reason: errorMessage(error),
      });
      return false;
    }
  };
  return {
    devices,
    volumes: volumes.filter(({ disk: { image, hint } }) => image === undefined || isHeld(hint)),
    rootfs: rootfs && isHeld(rootfs.heldAt) ? rootfs : undefined,
  };
}

function plug(context: Context, { id, sandboxId }: DiskRequest, { devices, volumes, rootfs }: Plan): Promise<FindPlugged> {
  const wanted: WantedDisk[] = [...(rootfs ? [rootfs] : []), ...volumes.map(({ disk }) => disk), ...devices.disks];
  // The first request for a disk decides how it is attached: mounts are first, because they need the lock.
  const disks = wanted.map((disk) => findDisk(disk)).sort((a, b) => Number(b.isMounted) - Number(a.isMounted));
  return context.trace.step('block devices', () => plugDisks(context, { sandboxId, containerId: id }, disks));
}

const isEmpty = ({ devices, volumes, rootfs }: Plan): boolean => devices.disks.length === 0 && volumes.length === 0 && !rootfs;

/** Whether disks must be attached. @throws KataError as `provideDisks` */
export const needsDisks = (context: Context, request: DiskRequest): boolean => !isEmpty(plan(context, request));

/** @throws KataError for a device that is missing or cannot be opened, HypervisorError for a device that QEMU refuses */
export async function provideDisks(context: Context, request: DiskRequest): Promise<ContainerOnDisks> {
  const { id, mounts } = request;
  const planned = hold(context, plan(context, request));
  const { devices, volumes, rootfs } = planned;
  if (isEmpty(planned))
    return { storages: [], devices: [], specDevices: devices.kept, absentDevices: devices.absent, mounts, inGuest: new Set() };
  const find = await plug(context, request, planned);
  const moved = new Map(volumes.map((volume) => [volume.mount, volume.moved]));
  return {
    storages: [
      ...(rootfs ? [diskStorage(find(rootfs), { ...rootfs, point: `${guestShare}/${id}` })] : []),
      ...volumes.map((volume) => diskStorage(find(volume.disk), volume)),
    ],
    devices: devices.disks.map((disk) => diskDevice(find(disk), disk.hint)),
    specDevices: devices.kept,
    absentDevices: devices.absent,
    mounts: mounts.map((mount) => moved.get(mount) ?? mount),
    inGuest: new Set(moved.values()),
    ...(rootfs && { rootSuffix: rootfs.suffix }),
  };
}
