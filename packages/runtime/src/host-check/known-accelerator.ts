import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import { chooseAccelerator, isKvm, readCpuinfo } from './accelerator.ts';
import type { AcceleratorChoice } from './accelerator.ts';
import { rememberedProbe } from './kvm-probe.ts';

/** The accelerator of a container, without booting a VM: uses the result of an earlier probe, and without one assumes that KVM works. */
export async function knownAccelerator(
  { accelerator, path, kernel: guestKernel }: HypervisorConfiguration,
  kernel: Pick<Kernel, 'checkKvmExtension'>,
): Promise<AcceleratorChoice> {
  const known = rememberedProbe(path, guestKernel);
  const choice = await chooseAccelerator(accelerator, {
    cpuinfo: readCpuinfo,
    kvmUsable: () => isKvm('/dev/kvm', kernel),
    probe: () => Promise.resolve(known ?? true),
  });
  const isUntested = accelerator === 'auto' && choice.accelerator === 'kvm' && known === undefined;
  return isUntested ? { ...choice, reason: 'the first container tests it' } : choice;
}
