/**
 * The devices of a container: replaces the host's device numbers in its specification by the guest's. Loaded by the first device.
 */
import { status } from '@grpc/grpc-js';
import type { Device } from '@kata-containers/common/generated/agent';
import type { Spec } from '@kata-containers/common/generated/oci';
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

/** Sets the guest's number in the device of that path and in the rules for its old number. @throws GrpcError */
export function renumberDevice(spec: Spec, containerPath: string, guestPath: string, number: DeviceNumber): void {
  const [major, minor] = [BigInt(number.major), BigInt(number.minor)];
  const devices = spec.Linux?.Devices ?? [];
  if (devices.length === 0) throw new GrpcError(status.INTERNAL, 'No devices found from the spec, cannot update');
  const device = devices.find(({ Path }) => Path === containerPath);
  if (!device) throw new GrpcError(status.INTERNAL, `Should have found a matching device ${guestPath} in the spec`);
  const host = { major: device.Major, minor: device.Minor };
  Object.assign(device, { Major: major, Minor: minor });
  for (const rule of spec.Linux?.Resources?.Devices ?? [])
    if (rule.Major === host.major && rule.Minor === host.minor) Object.assign(rule, { Major: major, Minor: minor });
}

/** Changes `spec`. @throws GrpcError */
export async function addDevices(devices: readonly Device[], spec: Spec, options: FinderOptions): Promise<void> {
  for (const device of devices) {
    check(device);
    const type = deviceTypes.find((known) => known === device.type);
    if (!type) throw new GrpcError(status.INVALID_ARGUMENT, `Unknown device type "${device.type}"`);
    const path = await findDevice(type, addresses[type](device), options, device.options);
    renumberDevice(spec, device.container_path, path, numberOfNode(path));
  }
}
