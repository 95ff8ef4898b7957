import { chooseAccelerator, isKvm, readCpuinfo } from '../host-check/accelerator.ts';
import { probeKvm } from '../host-check/kvm-probe.ts';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { Context } from '../context/context.ts';

/** Detects KVM by booting a guest; logs why KVM is not used. */
export async function detectAccelerator({ configuration: { hypervisor }, kernel, log }: Context): Promise<Accelerator> {
  const choice = await chooseAccelerator(hypervisor.accelerator, {
    cpuinfo: readCpuinfo,
    kvmUsable: () => isKvm('/dev/kvm', kernel),
    probe: () => probeKvm(hypervisor.path, hypervisor.kernel),
  });
  if (choice.reason !== undefined) log.warn('no hardware virtualization: the guest is emulated, which is slow', { reason: choice.reason });
  return choice.accelerator;
}
