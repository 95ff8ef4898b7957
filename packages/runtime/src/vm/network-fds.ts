/**
 * Opens the devices behind a VM's network cards. QEMU inherits them, and therefore needs neither the nodes /dev/net/tun and /dev/vhost-net nor
 * the network namespace of the taps.
 */
import { constants, openSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QemuNetwork, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { closeAll } from '../processes/end-process.ts';

const VHOST_NET = '/dev/vhost-net';

/**
 * Calls `use` with the fds in the order of QEMU's arguments: one of each tap, then one of vhost-net for each if the plan has it. To be called
 * in the network namespace of the taps. The fds are closed when `use` has returned; `macvtaps` belong to the caller.
 * @throws KernelError, KataError
 */
export function withNetworkFds<T>(
  { networks, vhostNet }: Pick<QemuPlan, 'networks' | 'vhostNet'>,
  macvtaps: readonly number[],
  kernel: Pick<Kernel, 'openTap'>,
  use: (fds: readonly number[]) => T,
): T {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  const unused = [...macvtaps];
  const tapOf = ({ tap, macvtap }: QemuNetwork): number => {
    const fd = macvtap ? unused.shift() : keep(kernel.openTap(tap));
    if (fd === undefined) throw new KataError(`the macvtap ${tap} is not open`);
    return fd;
  };
  try {
    const taps = networks.map(tapOf);
    const vhosts = vhostNet ? networks.map(() => keep(openSync(VHOST_NET, constants.O_RDWR))) : [];
    return use([...taps, ...vhosts]);
  } finally {
    closeAll(opened);
  }
}
