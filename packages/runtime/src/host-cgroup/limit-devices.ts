/** Restricts QEMU to the devices that it uses: a compromised QEMU cannot open other devices, even if it finds or creates their nodes. */
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { deviceProgram } from './device-program-plan.ts';
import { deviceRuleText } from './device-rules.ts';
import type { DeviceRule } from './device-rules.ts';
import { joinCgroup } from './join-cgroup.ts';
import { QEMU_GROUP, VCPU_GROUP } from './group-names.ts';

type Calls = Pick<Kernel, 'loadDeviceProgram' | 'attachDeviceProgram'>;

/** The cgroups below a sandbox's cgroup that have QEMU's threads. */
interface DeviceGroups {
  readonly version: 1 | 2;
  /** The first is QEMU's cgroup; in version 2 the vCPU threads are moved to the second later. */
  readonly directories: readonly [own: string, ...others: string[]];
}

/** undefined on a host without the controller. */
function groupsIn(directories: readonly string[]): DeviceGroups | undefined {
  for (const directory of directories) {
    const own = join(directory, QEMU_GROUP);
    if (existsSync(join(directory, 'devices.allow'))) return { version: 1, directories: [own] };
    if (existsSync(join(directory, 'cgroup.controllers'))) return { version: 2, directories: [own, join(directory, VCPU_GROUP)] };
  }
  return undefined;
}

/** The kernel refuses rules that the parent cgroup does not allow: the parent's rules then apply to QEMU. */
function allow(directory: string, rule: DeviceRule): void {
  try {
    writeFileSync(join(directory, 'devices.allow'), deviceRuleText(rule));
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

function attach(directories: readonly string[], rules: readonly DeviceRule[], kernel: Calls): void {
  const program = kernel.loadDeviceProgram(deviceProgram(rules));
  try {
    for (const path of directories) {
      const directory = openSync(path, 'r');
      try {
        kernel.attachDeviceProgram(directory, program);
      } finally {
        closeSync(directory);
      }
    }
  } finally {
    closeSync(program);
  }
}

function makeGroups({ version, directories }: DeviceGroups): void {
  for (const directory of directories) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    // cgroups(7): threads of one process can be in several cgroups only if these are threaded.
    if (version === 2) writeFileSync(join(directory, 'cgroup.type'), 'threaded');
  }
}

export interface DeviceLimit {
  /** The sandbox's cgroups. */
  readonly directories: readonly string[];
  readonly pid: number;
  readonly rules: readonly DeviceRule[];
}

/** Moves QEMU to a cgroup of its own with these rules. @throws Error when the kernel refuses a write, or without a controller */
export async function limitDevices({ directories, pid, rules }: DeviceLimit, kernel: Calls): Promise<void> {
  const groups = groupsIn(directories);
  if (!groups) throw new Error('the host has no devices cgroup');
  makeGroups(groups);
  const [own] = groups.directories;
  if (groups.version === 2) attach(groups.directories, rules, kernel);
  else {
    writeFileSync(join(own, 'devices.deny'), 'a');
    for (const rule of rules) allow(own, rule);
  }
  await joinCgroup([own], pid);
}

/** Whether QEMU's devices are limited in these cgroups. */
export function limitsDevices(directories: readonly string[]): boolean {
  const groups = groupsIn(directories);
  return groups !== undefined && existsSync(groups.directories[0]);
}

export interface DeviceAdmission {
  /** The sandbox's cgroups. */
  readonly directories: readonly string[];
  readonly rules: readonly DeviceRule[];
  /** Device that is allowed in addition to the rules. */
  readonly extra: DeviceRule;
}

/** Runs `act`, during which QEMU may also open the extra device. @throws Error when the kernel refuses a write, and errors of `act` */
export async function withDevice<T>({ directories, rules, extra }: DeviceAdmission, kernel: Calls, act: () => Promise<T>): Promise<T> {
  const groups = groupsIn(directories);
  if (!groups || !limitsDevices(directories)) return act();
  const change = (isAllowed: boolean): void => {
    if (groups.version === 2) attach(groups.directories, isAllowed ? [...rules, extra] : rules, kernel);
    else writeFileSync(join(groups.directories[0], isAllowed ? 'devices.allow' : 'devices.deny'), deviceRuleText(extra));
  };
  change(true);
  try {
    return await act();
  } finally {
    change(false);
  }
}
