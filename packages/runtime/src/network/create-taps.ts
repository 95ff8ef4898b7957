import { existsSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

const TUN = '/dev/net/tun';

/** Creates unconnected taps in the network namespace that the main thread is in. @throws KataError without tun devices, KernelError */
export function createTaps(names: readonly string[], kernel: Pick<Kernel, 'createTap'>): void {
  if (names.length === 0) return;
  if (!existsSync(TUN)) {
    const remedy = `'modprobe tun' creates it; with internetworking_model = "none" in [runtime] VMs have no network`;
    throw new KataError(`${TUN} is missing, which a VM's network needs: ${remedy}`);
  }
  for (const name of names) kernel.createTap(name);
}
