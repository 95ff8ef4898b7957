import { chooseAccelerator, isKvm, readCpuinfo } from '../host-check/accelerator.ts';
import { probeKvm } from '../host-check/kvm-probe.ts';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { Context } from '../context/context.ts';

/** KVM when a guest really boots with it; what it is not chosen for is logged. */
export async function detectAccelerator({ configuration: { hypervisor }, kernel, log }: Context): Promise<Accelerator> {
  const choice = await chooseAccelerator(hypervisor.accelerator, {
    cpuinfo: readCpuinfo,
    kvmUsable: () => isKvm('/dev/kvm', kernel),
    probe: () => probeKvm(hypervisor.path, hypervisor.kernel),
  });
  if (choice.reason !== undefined) log.warn('no hardware virtualisation: the guest is emulated, which is slow', { reason: choice.reason });
  return choice.accelerator;
}
