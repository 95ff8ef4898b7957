/** The guest kernel's command line, in 1.x's order; `secretmem.enable`, the default since Linux 6.5, enables memfd_secret(2). Pure. */
import { debugConsoleParameter, debugShellParameter } from '@kata-containers/common/agent-api/guest-processes';
import type { QemuPlan } from './qemu-plan.ts';

const base = [
  ...['tsc=reliable', 'no_timer_check', 'rcupdate.rcu_expedited=1', 'i8042.direct=1', 'i8042.dumbkbd=1', 'i8042.nopnp=1', 'i8042.noaux=1'],
  ...['noreplace-smp', 'reboot=k', 'console=hvc0', 'console=hvc1', 'cryptomgr.notests', 'net.ifnames=0', 'pci=lastbus=0', 'iommu=off'],
  'secretmem.enable=1',
];

/** The root file system. The literal " ro" is part of 1.x's rootflags value and mounts it read-only. */
function root({ image, imageAsNvdimm }: QemuPlan): string[] {
  if (!image) return [];
  const [device, flags] = imageAsNvdimm
    ? ['/dev/pmem0p1', 'dax,data=ordered,errors=remount-ro']
    : ['/dev/vda1', 'data=ordered,errors=remount-ro'];
  return [`root=${device}`, `rootflags=${flags}`, 'ro', 'rootfstype=ext4'];
}

/**
 * Mitigations of CPU speculation have no effect in an emulated guest's translated code. The timeout for hot-plugged devices is six times as long as with KVM.
 */
const emulation = ['mitigations=off', 'agent.hotplug_timeout=18s'];

export interface ParameterChoices {
  readonly hasImage: boolean;
  readonly agentDebug: boolean;
  readonly debugShell: boolean;
  /** Parameters from the configuration file. */
  readonly kernelParams: string;
}

const units = ['systemd.unit=kata-containers.target', 'systemd.mask=systemd-networkd.service', 'systemd.mask=systemd-networkd.socket'];

/** The parameters that depend on the configuration; `kata-env` shows them. */
export function configuredParameters({ hasImage, agentDebug, debugShell, kernelParams }: ParameterChoices): string[] {
  const ofAgent = [...(agentDebug ? ['agent.log=debug'] : []), ...(debugShell ? [debugShellParameter] : [])];
  const args = [...(hasImage ? units : []), 'scsi_mod.scan=none', ...ofAgent];
  return kernelParams === '' ? args : [...args, kernelParams];
}

/** Whether `kernel_params` makes the agent run a shell on the guest's console. */
export const asksForConsole = (kernelParams: string): boolean =>
  kernelParams.split(/\s+/).some((parameter) => parameter.split('=')[0] === debugConsoleParameter);

export function kernelParameters(plan: QemuPlan): string[] {
  return [
    ...base,
    ...(plan.accelerator === 'tcg' ? emulation : []),
    ...root(plan),
    plan.debug ? 'debug' : 'quiet',
    ...(plan.image ? [`systemd.show_status=${plan.debug}`] : []),
    ...['panic=1', `nr_cpus=${plan.maxVcpus}`, 'agent.use_vsock=false'],
    ...configuredParameters({ ...plan, hasImage: plan.image !== undefined }),
  ];
}
