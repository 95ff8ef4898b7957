/** Converts the request's specification to the config.json that crun reads. Pure. */
import { Linux, LinuxResources } from '@kata-containers/common/generated/oci';
import type { Hook as HookMessage, Hooks as HooksMessage, LinuxDevice, Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import type { Device, DeviceCgroup, Hook, Hooks, Namespace, Spec } from '@kata-containers/common/oci/spec';
import { processConfig } from './process-config.ts';
import { resourcesConfig } from './resources-config.ts';
import { seccompConfig } from './seccomp-config.ts';
import { splitSysctl } from './split-sysctl.ts';

/** Facts that only the guest knows. */
export interface GuestPlace {
  readonly ipcNamespace: string;
  readonly utsNamespace: string;
  /** A PID namespace to join; 'own' for a new one, 'agent' for none: the processes see the whole guest. */
  readonly pidNamespace: string;
  /** The partition with the guest's root file system and its disk, which containers must not touch; none with an initrd. */
  readonly rootDevices: readonly { readonly major: number; readonly minor: number }[];
  /** /sys/devices/system/cpu/online. */
  readonly onlineCpus: string;
  readonly guestHooks: Hooks | undefined;
}

/**
 * Version of the config.json that is written, whatever the engine's version is: crun refuses versions that it does not know. The runtime
 * has refused the fields of newer versions that a guest cannot support.
 */
const OCI_VERSION = '1.0.2';
const DEFAULT_DEVICE_MODE = 0o666;

/** The network namespace is the guest's, and so is the cgroup one: the VM is the container's only user. */
function namespaces({ ipcNamespace, utsNamespace, pidNamespace }: GuestPlace): Namespace[] {
  const pid = { own: [{ type: 'pid' }], agent: [] }[pidNamespace] ?? [{ type: 'pid', path: pidNamespace }];
  return [{ type: 'ipc', path: ipcNamespace }, { type: 'uts', path: utsNamespace }, { type: 'mount' }, ...pid];
}

/** A runtime of 1.x sends no rules: every device is allowed. */
const everyDevice: DeviceCgroup = { allow: true, access: 'rwm' };

/**
 * The rules of the request, and rules that deny access to the guest's root disk. Version 1 of the devices cgroup has no exceptions from a
 * rule for all minor numbers: such a rule for the major number of the root disk allows mknod(2) only.
 */
function deviceRules(asked: readonly DeviceCgroup[] = [], { rootDevices }: GuestPlace): DeviceCgroup[] {
  const coversRoot = ({ allow, type, major, minor }: DeviceCgroup): boolean =>
    allow && type === 'b' && minor === undefined && rootDevices.some((root) => major === undefined || Number(major) === root.major);
  const rules = asked.length > 0 ? asked.map((rule) => (coversRoot(rule) ? { ...rule, access: 'm' } : rule)) : [everyDevice];
  return [...rules, ...rootDevices.map((number): DeviceCgroup => ({ allow: false, type: 'b', ...number, access: 'rw' }))];
}

/** A mode of zero means that the mode is not set. */
const deviceConfig = (device: LinuxDevice): Device => ({
  path: device.Path,
  type: device.Type,
  major: device.Major,
  minor: device.Minor,
  fileMode: device.FileMode || DEFAULT_DEVICE_MODE,
  uid: device.UID,
  gid: device.GID,
});

function linuxConfig(linux: Linux, place: GuestPlace): Spec['linux'] {
  const resources = resourcesConfig(linux.Resources ?? LinuxResources.fromPartial({}), place.onlineCpus);
  return {
    namespaces: namespaces(place),
    sysctl: { ...splitSysctl(linux.Sysctl).container },
    resources: { ...resources, devices: deviceRules(resources.devices, place) },
    ...(linux.CgroupsPath !== '' && { cgroupsPath: linux.CgroupsPath }),
    devices: linux.Devices.map(deviceConfig),
    ...(linux.Seccomp && linux.Seccomp.DefaultAction !== '' && { seccomp: seccompConfig(linux.Seccomp) }),
    ...(linux.RootfsPropagation !== '' && { rootfsPropagation: linux.RootfsPropagation }),
    maskedPaths: linux.MaskedPaths,
    readonlyPaths: linux.ReadonlyPaths,
  };
}

const hookConfig = ({ Path, Args, Env, Timeout }: HookMessage): Hook => ({
  path: Path,
  args: Args,
  env: Env,
  ...(Timeout > 0n && { timeout: Number(Timeout) }),
});

/** The request's hooks, then the guest's own (1.x's order). */
function hooksConfig(message: HooksMessage | undefined, guest: Hooks | undefined): Hooks {
  return {
    prestart: [...(message?.Prestart ?? []).map(hookConfig), ...(guest?.prestart ?? [])],
    poststart: [...(message?.Poststart ?? []).map(hookConfig), ...(guest?.poststart ?? [])],
    poststop: [...(message?.Poststop ?? []).map(hookConfig), ...(guest?.poststop ?? [])],
  };
}

export function specConfig(message: SpecMessage, place: GuestPlace): Spec {
  return {
    ociVersion: OCI_VERSION,
    ...(message.Process && { process: processConfig(message.Process) }),
    root: { path: message.Root?.Path ?? '', readonly: message.Root?.Readonly ?? false },
    ...(message.Hostname !== '' && { hostname: message.Hostname }),
    mounts: message.Mounts.map(({ destination, source, type, options }) => ({
      destination,
      options,
      ...(source !== '' && { source }),
      ...(type !== '' && { type }),
    })),
    ...((message.Hooks || place.guestHooks) && { hooks: hooksConfig(message.Hooks, place.guestHooks) }),
    annotations: message.Annotations,
    linux: linuxConfig(message.Linux ?? Linux.fromPartial({}), place),
  } as Spec;
}

/** In ECMAScript, not yet in TypeScript's library. */
const { rawJSON } = JSON as typeof JSON & { rawJSON: (text: string) => object };

/** JSON with 64-bit numbers as numbers: crun reads them exactly. */
export const toJson = (value: object): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJSON(String(item)) : item));
