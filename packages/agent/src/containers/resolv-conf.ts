/** The guest's resolv.conf. The root file system is read-only, so the file is written elsewhere and bind-mounted over the empty one. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MNT_DETACH, MS_BIND } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';

const RESOLV_CONF = '/etc/resolv.conf';

/** @returns a function that removes it */
export function setDns(
  lines: readonly string[],
  stateDirectory: string,
  kernel: Pick<Kernel, 'mount' | 'umount'>,
  log: Logger,
): () => void {
  const file = join(stateDirectory, 'kata-containers/sandbox/resolv.conf');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.map((line) => `${line.trim()}\n`).join(''));
  if (!existsSync(RESOLV_CONF)) {
    log.error('the guest has no /etc/resolv.conf to mount over');
    return () => {};
  }
  kernel.mount(file, RESOLV_CONF, 'none', MS_BIND);
  return () => kernel.umount(RESOLV_CONF, MNT_DETACH);
}
