/** Device rules for QEMU's cgroup. Pure. */
import type { DeviceNumber } from '@kata-containers/common/kernel/device-number';

export type Access = 'r' | 'w' | 'm';

export interface DeviceRule {
  readonly kind: 'block' | 'character';
  /** Without a device the rule applies to all devices of the kind. */
  readonly device?: DeviceNumber;
  /** Read, write, mknod. */
  readonly access: readonly Access[];
}

const readWrite = ['r', 'w'] as const;
const memory = (minor: number): DeviceRule => ({ kind: 'character', device: { major: 1, minor }, access: readWrite });
const named = (kind: DeviceRule['kind']): DeviceRule => ({ kind, access: ['m'] });

/** /dev/null, zero, urandom (Documentation/admin-guide/devices.txt). KVM, taps, vhost-net and disks are open already, or are passed as fds. */
const always = [3, 5, 9].map(memory);

/**
 * `makesNodes`: QEMU serves 9p, by which a guest may create nodes of any device. They cannot be opened, because the share is mounted
 * `nodev`.
 */
export const qemuDevices = ({ makesNodes }: { readonly makesNodes: boolean }): DeviceRule[] => [
  ...always,
  ...(makesNodes ? [named('character'), named('block')] : []),
];

export const blockDevice = (device: DeviceNumber): DeviceRule => ({ kind: 'block', device, access: readWrite });

/** A rule in the format of devices.allow and devices.deny of cgroup version 1 (Documentation/admin-guide/cgroup-v1/devices.rst). */
export const deviceRuleText = ({ kind, device, access }: DeviceRule): string =>
  `${kind === 'block' ? 'b' : 'c'} ${device === undefined ? '*:*' : `${device.major}:${device.minor}`} ${access.join('')}`;
