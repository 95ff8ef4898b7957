import { existsSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';

const TUN = '/dev/net/tun';

/** To be called before taps are made: of a missing device `ip` says only that it cannot open a file. @throws KataError */
export function requireTun(): void {
  if (existsSync(TUN)) return;
  const remedy = `'modprobe tun' makes it; with internetworking_model = "none" in [runtime] VMs have no network`;
  throw new KataError(`${TUN} is missing, which a VM's network needs: ${remedy}`);
}
