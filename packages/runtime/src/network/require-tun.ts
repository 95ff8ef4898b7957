import { existsSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';

const TUN = '/dev/net/tun';

/** To be called before taps are created: `ip` does not name the missing device in its error. @throws KataError */
export function requireTun(): void {
  if (existsSync(TUN)) return;
  const remedy = `'modprobe tun' creates it; with internetworking_model = "none" in [runtime] VMs have no network`;
  throw new KataError(`${TUN} is missing, which a VM's network needs: ${remedy}`);
}
