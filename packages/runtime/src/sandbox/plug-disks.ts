/**
 * Block devices of the host that are attached to a VM with a container and detached with it. A disk is recorded in the sandbox's state
 * before it is attached, so that a killed create leaves a record. When QEMU ends, all disks are detached.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { HypervisorError, QmpError } from '@kata-containers/common/errors/kata-error';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { GuestDisk } from '../agent/disk-requests.ts';
import { diskAddress, plugDisk, unplugDisk } from '../hypervisor/qemu/disk.ts';
import type { DiskDriver, DiskPlace } from '../hypervisor/qemu/disk.ts';
import type { QmpClient } from '../hypervisor/qmp/qmp-client.ts';
import type { WantedDisk } from '../storage/disk-plan.ts';
import { shareFacts } from '../storage/share.ts';
import type { HostDisk } from '../storage/host-disks.ts';
import { unplugTimeout } from '../context/context.ts';
import type { Context, Tools } from '../context/context.ts';
import { diskCache, diskConfig, isSameDisk, placeDisk, withDisk, withUser, withoutDisk } from './disk-place-plan.ts';
import { withSandboxLock } from '../state/lock-sandbox.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';
import { cgroupContainerOf } from '../state/state.ts';
import type { DiskConfig, DiskRecord, SandboxState } from '../state/state.ts';
import { loadSandbox, saveSandbox } from '../state/state-store.ts';
import { withBlockDevice } from '../vm/container-cgroup.ts';
import { withMonitor } from '../vm/with-monitor.ts';

const placeOf = ({ Driver, Index, Slot }: DiskRecord): DiskPlace => ({ driver: Driver, index: Index, slot: Slot });
const idOf = ({ ID, Driver }: DiskRecord): { id: string; driver: DiskDriver } => ({ id: ID, driver: Driver });

interface Owner {
  readonly sandboxId: string;
  readonly containerId: string;
}

/** The VM that disks are plugged into. */
interface Machine {
  /** The container whose cgroups contain QEMU, and the type of the share. */
  readonly cgroupContainer: ContainerPlace & { readonly is9p: boolean };
  readonly monitor: QmpClient;
  readonly config: DiskConfig;
  readonly kernel: Kernel;
}

/** QEMU opens the file of an NVDIMM again (/proc/self/fd), and uses the fds of other disks directly. */
function whileOpening<T>({ kernel, cgroupContainer }: Machine, driver: DiskDriver, open: number, act: () => Promise<T>): Promise<T> {
  const stats = fstatSync(open);
  if (driver !== 'nvdimm' || !stats.isBlockDevice()) return act();
  return withBlockDevice(kernel, cgroupContainer, unpackDevice(stats.rdev), act);
}

/** @returns the address in the guest's memory, of an NVDIMM */
async function plugNew(machine: Machine, disk: HostDisk, record: DiskRecord): Promise<number | undefined> {
  const { monitor, config, kernel } = machine;
  const { path, bytes, isReadonly, isMounted: isExclusive } = disk;
  const open = openSync(path, isReadonly ? 'r' : 'r+');
  try {
    const file = await monitor.addDescriptor(open, path, kernel);
    const plugged = { id: record.ID, file, bytes, isReadonly, isExclusive, cache: diskCache(config), ...placeOf(record) };
    return await whileOpening(machine, record.Driver, open, () => plugDisk(monitor, plugged));
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    throw new HypervisorError(`block device ${disk.path} cannot be plugged`, error.message, { cause: error });
  } finally {
    closeSync(open);
  }
}

const find = ({ Devices = [] }: SandboxState, disk: WantedDisk): DiskRecord | undefined =>
  Devices.find((record) => record.Plugged && isSameDisk(record, disk));

/** Tries to detach remains of the same disk, from a killed create or from a guest that did not release it in time. @returns the state without them */
async function withoutRemains(monitor: QmpClient, state: SandboxState, disk: WantedDisk): Promise<SandboxState> {
  let left = state;
  for (const record of (state.Devices ?? []).filter((candidate) => isSameDisk(candidate, disk))) {
    const isGone = await unplugDisk(monitor, idOf(record), unplugTimeout(state.HypervisorState.Accelerator)).then(
      () => true,
      () => false,
    );
    if (isGone) left = withoutDisk(left, record);
  }
  return left;
}

/** Attaches the disk for the container, unless the VM has it. @returns the saved state */
async function provide(machine: Machine, state: SandboxState, disk: HostDisk, { sandboxId, containerId }: Owner): Promise<SandboxState> {
  const { monitor, config } = machine;
  const save = (changed: SandboxState): SandboxState => {
    saveSandbox(sandboxId, changed);
    return changed;
  };
  const there = find(state, disk);
  if (there) return save(withDisk(state, withUser(there, containerId)));
  const free = await withoutRemains(monitor, state, disk);
  const driver = disk.image === undefined ? config.BlockDeviceDriver : 'nvdimm';
  const id = `drive-${shareFacts.randomName()}`;
  const record = placeDisk(free, disk, { id, containerId, driver, nvdimms: config.NvdimmCount });
  const begun = save(withDisk(free, record));
  const address = await plugNew(machine, disk, record);
  return save(withDisk(begun, { ...record, Plugged: true, ...(address !== undefined && { Addr: address }) }));
}

/** Returns the guest's address of an attached disk. */
export type FindPlugged = (disk: WantedDisk) => GuestDisk;

/** Undo by `unplugDisks`. @throws KataError, HypervisorError for a disk that cannot be attached */
export async function plugDisks(context: Context, owner: Owner, disks: readonly HostDisk[]): Promise<FindPlugged> {
  const state = await withSandboxLock(owner.sandboxId, context.kernel, () => {
    const before = loadSandbox(owner.sandboxId);
    const config = before.Config?.HypervisorConfig ?? diskConfig(context.configuration.hypervisor);
    return withMonitor(owner.sandboxId, before, async (monitor) => {
      let now = before;
      const { sandboxId } = owner;
      const cgroupContainer = { sandboxId, id: cgroupContainerOf(before), is9p: !before.HypervisorState.Virtiofsd };
      for (const disk of disks) now = await provide({ monitor, config, cgroupContainer, kernel: context.kernel }, now, disk, owner);
      return now;
    });
  });
  return (disk) => {
    const record = find(state, disk);
    if (!record) throw new HypervisorError(`block device ${disk.number} was not plugged`, '');
    return { ...diskAddress(placeOf(record)), ...(record.Addr !== undefined && { memory: BigInt(record.Addr) }) };
  };
}

/** Removes a container from a disk's users, and detaches an unused disk. A disk that the guest does not release stays on record: its slot is in use. */
async function release(context: Tools, state: SandboxState, record: DiskRecord, { sandboxId, containerId }: Owner): Promise<SandboxState> {
  const left = { ...record, Containers: record.Containers.filter((id) => id !== containerId) };
  // An NVDIMM stays attached as long as its VM runs, for the next container that uses it.
  if (left.Containers.length > 0 || record.Driver === 'nvdimm') return withDisk(state, left);
  try {
    await withMonitor(sandboxId, state, (monitor) => unplugDisk(monitor, idOf(record), unplugTimeout(state.HypervisorState.Accelerator)));
    return withoutDisk(state, record);
  } catch (error) {
    context.log.warn('the guest does not release a block device', { device: record.Number, reason: errorMessage(error) });
    return withDisk(state, { ...left, Plugged: false }); // it may be released later
  }
}

/** Detaches the disks that only this container uses. To be called when the guest has unmounted it. @throws TimeoutError for the lock */
export async function unplugDisks(context: Tools, owner: Owner): Promise<void> {
  const isUser = ({ Containers }: DiskRecord): boolean => Containers.includes(owner.containerId);
  if (!(loadSandbox(owner.sandboxId).Devices ?? []).some(isUser)) return;
  await withSandboxLock(owner.sandboxId, context.kernel, async () => {
    let state = loadSandbox(owner.sandboxId);
    for (const record of (state.Devices ?? []).filter(isUser)) {
      state = await release(context, state, record, owner);
      saveSandbox(owner.sandboxId, state);
    }
  });
}
