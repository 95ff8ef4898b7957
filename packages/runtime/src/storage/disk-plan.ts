/**
 * Plans which block devices of the host, named by a container's specification, are attached to the VM as disks. Pure: `DiskFacts`
 * has the facts of the host. A device is identified by its number, `major:minor`, as in sysfs.
 */
import type { Device, DeviceCgroup, Linux, Mount } from '@kata-containers/common/oci/spec';
import { allowAll, isWritable } from '../bundle/device-rules.ts';
import { isBind } from './is-bind.ts';
import { readOnlyPart } from './read-only-part.ts';
import { shareEntryName } from './share-entry-name.ts';

export interface DiskFacts {
  /** Number of the block device whose node is at a path; undefined when it is not a block device. */
  numberAt(path: string): string | undefined;
  /** Whether the host has a block device of that number. */
  exists(number: string): boolean;
  /** True when the host cannot write to it. */
  isReadonly(number: string): boolean;
  /** Types of file systems that a root file system may have. */
  kindOf(number: string): 'device-mapper' | 'loop' | undefined;
}

export interface WantedDisk {
  readonly number: string;
  /** The path in the specification, for errors. */
  readonly hint: string;
  readonly isReadonly: boolean;
  /** The guest mounts a file system on it: no other VM may write to it meanwhile. */
  readonly isMounted: boolean;
  /** The file of an NVDIMM's image, which is attached instead of its loop device. */
  readonly image?: string;
}

export interface DevicePlan {
  /** One for each block device of the container. */
  readonly disks: readonly WantedDisk[];
  /** Devices that stay in the specification: disks and other devices. */
  readonly kept: readonly Device[];
  /** Block devices of `kept` that the host does not have: the container gets nodes that cannot be opened, as on the host. */
  readonly absent: readonly Device[];
}

/**
 * An engine adds every device of the host to a privileged container under its own name, including the host's root disk. These
 * devices were not requested one by one and are left out: a VM isolates them. A device that was requested has another name.
 */
function isWholesale(rules: readonly DeviceCgroup[], device: Device, { numberAt }: DiskFacts): boolean {
  return allowAll(rules) && numberAt(device.path) === numberOf(device);
}

/** Numbers of loop devices (Documentation/admin-guide/devices.txt), and the group `disk` of distributions. */
const LOOP_MAJOR = 7;
const LOOP_DEVICES = 8;
const DISK_GROUP = 6;

/** The guest's loop devices, as many as a host has by default. The guest creates a device when its node is opened. */
const guestLoopDevices: readonly Device[] = Array.from({ length: LOOP_DEVICES }, (_, minor) => ({
  ...{ path: `/dev/loop${minor}`, type: 'b', major: LOOP_MAJOR, minor },
  ...{ fileMode: 0o660, uid: 0, gid: DISK_GROUP },
}));

/** A privileged container has the guest's loop devices instead of the host's, unless a disk has that name. */
function loopDevices(rules: readonly DeviceCgroup[], asked: readonly Device[]): readonly Device[] {
  if (!allowAll(rules)) return [];
  return guestLoopDevices.filter(({ path }) => asked.every((device) => device.path !== path));
}

const numberOf = ({ major, minor }: Device): string => `${major ?? 0}:${minor ?? 0}`;

export function planDevices({ devices = [], resources }: Linux, facts: DiskFacts): DevicePlan {
  const rules = resources?.devices ?? [];
  const asked = devices.filter((device) => device.type === 'b' && !isWholesale(rules, device, facts));
  const absent = asked.filter((device) => !facts.exists(numberOf(device)));
  const existing = asked.filter((device) => !absent.includes(device));
  const disks = existing.map((device): WantedDisk => {
    const number = numberOf(device);
    return { number, hint: device.path, isReadonly: facts.isReadonly(number) || !isWritable(rules, device), isMounted: false };
  });
  const kept = devices.filter((device) => device.type !== 'b' || asked.includes(device));
  return { disks, kept: [...kept, ...loopDevices(rules, asked)], absent };
}

/** A mount whose source is a disk. */
export interface DiskVolume {
  readonly disk: WantedDisk;
  readonly mount: Mount;
  /** Type of the guest's mount at `point`: `bind` for the device itself, or the type of its file system. */
  readonly fstype: string;
  readonly options: readonly string[];
  readonly point: string;
  /** `mount` with the guest's source. */
  readonly moved: Mount;
}

/** Directory in which the guest mounts disks for its containers (1.x). */
export const STORAGE = '/run/kata-containers/sandbox/storage';

/** `newName` returns a new name each time: several containers may use the same disk. */
export function planDiskVolumes(mounts: readonly Mount[], facts: DiskFacts, newName: () => string): DiskVolume[] {
  return mounts.flatMap((mount): DiskVolume[] => {
    const { source = '', options = [], destination } = mount;
    const number = source.startsWith('/') ? facts.numberAt(source) : undefined;
    if (number === undefined) return [];
    const isReadonly = readOnlyPart(options) !== 'none' || facts.isReadonly(number);
    const disk = { number, hint: source, isReadonly, isMounted: !isBind(mount) };
    const point = `${STORAGE}/${shareEntryName(newName(), destination)}`;
    if (isBind(mount)) return [{ disk, mount, fstype: 'bind', options: ['bind'], point, moved: { ...mount, source: point } }];
    const args = disk.isReadonly && !options.includes('ro') ? [...options, 'ro'] : options;
    const moved: Mount = { destination, type: 'bind', source: point, options: ['rbind', ...(disk.isReadonly ? ['ro'] : [])] };
    return [{ disk, mount, fstype: mount.type ?? '', options: args, point, moved }];
  });
}
