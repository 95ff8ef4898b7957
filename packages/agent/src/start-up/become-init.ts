/** Sets up the guest as PID 1: mounts, limits and sysctls that containers need. */
import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { parseKernelOptions } from './parse-kernel-options.ts';
import { guestSettings } from './guest-settings.ts';
import { cgroupV1Mounts, cgroupV2Mount, enabledControllers, systemMounts } from './system-mounts-plan.ts';
import type { SystemMount } from './system-mounts-plan.ts';

type Machine = Pick<Kernel, 'mount' | 'setLinkUp' | 'allowOpenFiles' | 'allowProcesses'>;

/** The limit that engines set for containers, and that 1.x's agent had; the kernel's 4096 are too few for a database. */
const OPEN_FILES = 1 << 20;

function mountOne({ source, target, fstype, flags, data, optional }: SystemMount, kernel: Machine): void {
  try {
    mkdirSync(target, { recursive: true });
    kernel.mount(source, target, fstype, flags, data);
  } catch (error) {
    if (optional !== true) throw error;
  }
}

function mountCgroups(kernel: Machine): void {
  if (parseKernelOptions(readFileSync('/proc/cmdline', 'utf8')).unifiedCgroups) {
    mountOne(cgroupV2Mount, kernel);
    const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ');
    for (const controller of controllers) writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', `+${controller}`);
    return;
  }
  for (const mount of cgroupV1Mounts(enabledControllers(readFileSync('/proc/cgroups', 'utf8')))) mountOne(mount, kernel);
  kernel.mount('none', '/sys/fs/cgroup', 'tmpfs', MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=755');
}

/** The kernel's own /dev/ptmx opens another devpts instance than the one just mounted. */
function linkPtmx(): void {
  try {
    unlinkSync('/dev/ptmx');
  } catch {
    // an initrd may have none
  }
  symlinkSync('/dev/pts/ptmx', '/dev/ptmx');
}

/** Another kernel may lack a setting or allow a smaller value: containers run nevertheless. */
function applySettings(): void {
  for (const [name, value] of Object.entries(guestSettings))
    try {
      writeFileSync(`/proc/sys/${name}`, value);
    } catch {
      // the kernel's value stays
    }
}

/** @throws KernelError, which ends PID 1 and therefore the guest */
export function becomeInit(kernel: Machine): void {
  for (const mount of systemMounts) mountOne(mount, kernel);
  mountCgroups(kernel);
  linkPtmx();
  applySettings();
  kernel.setLinkUp('lo');
  kernel.allowOpenFiles(OPEN_FILES);
  kernel.allowProcesses(); // as systemd's units of engines do; the kernel computes its limits from the memory at boot
}
