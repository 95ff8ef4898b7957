/** Chooses KVM or emulation by booting a guest, because many machines have a /dev/kvm that cannot run one. */
import { accessSync, closeSync, constants, openSync, readFileSync, statSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** Why emulation is used although the configuration does not demand it. */
  readonly reason?: string;
}

export interface HostSource {
  readonly cpuinfo: () => string;
  /** True when KVM answers at /dev/kvm. */
  readonly kvmUsable: () => boolean;
  /** Boots the guest kernel with KVM; true when it ran. Called only when no other check rules KVM out. */
  readonly probe: () => Promise<boolean>;
}

/** API version of every KVM (kvm(7)). */
const KVM_CAP_USER_MEMORY = 3;

const HARDWARE_FLAGS = /^flags\s*:.*\b(vmx|svm)\b/m;

/** True on a machine that is a VM itself. */
export const isVirtualMachine = (cpuinfo: string): boolean => /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);

/** `configured` is the value of the configuration. */
export async function chooseAccelerator(configured: string, host: HostSource): Promise<AcceleratorChoice> {
  if (configured === 'kvm' || configured === 'tcg') return { accelerator: configured };
  if (!host.kvmUsable()) return { accelerator: 'tcg', reason: '/dev/kvm cannot be opened, or is not KVM' };
  if (!HARDWARE_FLAGS.test(host.cpuinfo())) return { accelerator: 'tcg', reason: 'the CPU has neither vmx nor svm' };
  return (await host.probe()) ? { accelerator: 'kvm' } : { accelerator: 'tcg', reason: 'a guest does not boot with KVM here' };
}

export const readCpuinfo = (): string => readFileSync('/proc/cpuinfo', 'latin1');

/** True when /dev/kvm is KVM: the module may have been unloaded since the probe. */
export function isKvm(device: string, kernel: Pick<Kernel, 'checkKvmExtension'>): boolean {
  if (!canOpen(device)) return false;
  try {
    const fd = openSync(device, 'r+'); // fails without the module
    try {
      return kernel.checkKvmExtension(fd, KVM_CAP_USER_MEMORY) > 0;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

export function canOpen(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return statSync(device).isCharacterDevice();
  } catch {
    return false;
  }
}
