/**
 * The disks of a container: replaces the host's device numbers in its specification by the guest's, and allows access to disks that are
 * volumes. Loaded by the first disk.
 */
import { status } from '@grpc/grpc-js';
import type { Device, Storage } from '@kata-containers/common/generated/agent';
import type { LinuxDevice, Spec } from '@kata-containers/common/generated/oci';
import { GrpcError } from '../errors/grpc-error.ts';
import { findDevice } from './device-finder.ts';
import type { FinderOptions } from './device-finder.ts';
import { deviceTypes } from './device-types.ts';
import type { DeviceType } from './device-types.ts';
import { numberOfNode } from './find-device.ts';
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';

/** The field by which each type of device is found. */
const addresses: Readonly<Record<DeviceType, (device: Device) => string>> = {
  blk: ({ id, vm_path }) => (id === '' ? vm_path : id),
  scsi: ({ id }) => id,
  mmioblk: ({ vm_path }) => vm_path,
  nvdimm: ({ vm_path }) => vm_path,
};

function check(device: Device): void {
  const invalid = (what: string): never => {
    throw new GrpcError(status.INVALID_ARGUMENT, `invalid ${what} for device ${JSON.stringify(device)}`);
  };
  if (device.type === '') invalid('type');
  if (device.id === '' && device.vm_path === '') invalid('ID and VM path');
  if (device.container_path === '') invalid('container path');
}

/** A disk of the guest, and the path of its node in the container. */
interface Found {
  readonly containerPath: string;
  readonly guestPath: string;
  readonly number: DeviceNumber;
}

type Numbered = Pick<LinuxDevice, 'Type' | 'Major' | 'Minor'>;

const isSame = (one: Numbered, other: Numbered): boolean =>
  one.Type === other.Type && one.Major === other.Major && one.Minor === other.Minor;

/**
 * Sets the guest's number in the device of each path and in the rules for its old number. All numbers are set together: the new number of
 * one disk may be the old number of another.
 * @throws GrpcError
 */
export function renumberDevices(spec: Spec, found: readonly Found[]): void {
  const { Devices: devices = [], Resources: { Devices: rules = [] } = {} } = spec.Linux ?? {};
  if (devices.length === 0 && found.length > 0) throw new GrpcError(status.INTERNAL, 'No devices found from the spec, cannot update');
  const changes = found.flatMap(({ containerPath, guestPath, number }) => {
    const device = devices.find(({ Path }) => Path === containerPath);
    if (!device) throw new GrpcError(status.INTERNAL, `Should have found a matching device ${guestPath} in the spec`);
    const numbers = { Major: BigInt(number.major), Minor: BigInt(number.minor) };
    return [device, ...rules.filter((rule) => isSame(rule, device))].map((target) => ({ target, numbers }));
  });
  for (const { target, numbers } of changes) Object.assign(target, numbers);
}

/** Changes `spec`. @throws GrpcError */
export async function addDevices(devices: readonly Device[], spec: Spec, options: FinderOptions): Promise<void> {
  const found: Found[] = [];
  for (const device of devices) {
    check(device);
    const type = deviceTypes.find((known) => known === device.type);
    if (!type) throw new GrpcError(status.INVALID_ARGUMENT, `Unknown device type "${device.type}"`);
    const guestPath = await findDevice(type, addresses[type](device), options, device.options);
    found.push({ containerPath: device.container_path, guestPath, number: numberOfNode(guestPath) });
  }
  renumberDevices(spec, found);
}

/** Changes `spec`: an engine has no rule for a volume that is a disk. Without any rule, every device is allowed. */
export function allowVolumes(storages: readonly Storage[], spec: Spec): void {
  const rules = spec.Linux?.Resources?.Devices ?? [];
  if (rules.length === 0) return;
  for (const { mount_point } of storages) {
    const { major, minor } = numberOfNode(mount_point);
    rules.push({ Allow: true, Type: 'b', Major: BigInt(major), Minor: BigInt(minor), Access: 'rwm' });
  }
}
