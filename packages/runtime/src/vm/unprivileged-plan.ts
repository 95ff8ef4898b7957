/** Decides whether QEMU can run without root: with virtio-fs QEMU accesses no file of the guest's users. Pure. */
import type { HypervisorConfiguration } from '../configuration/schema.ts';
import { SHARED_MEMORY } from '../hypervisor/qemu/memory-backend-plan.ts';
import type { QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';

/**
 * First user id of QEMUs, to which the pid of the starting process is added. The range follows the ids of kata-proxy and kata-shim
 * (common/confinement), and systemd does not use it.
 */
const FIRST_USER = 0x7100_0000;

export const unprivilegedUser = (pid: number): number => FIRST_USER + pid;

type Keys = 'qemu_unprivileged' | 'qemu_own_root' | 'qemu_capabilities';

/** `isReadable`: whether all users of the host can read a file. @returns the reason why QEMU needs root; undefined when it does not */
export function needOfRoot(
  { qemu_unprivileged: isWanted, qemu_own_root: hasOwnRoot, qemu_capabilities: kept }: Pick<HypervisorConfiguration, Keys>,
  plan: QemuPlan,
  isReadable: (path: string) => boolean,
): string | undefined {
  const { virtioFs, memoryBackend, disksAsNvdimm, pflashes, kernel, image, initrd, firmware } = plan;
  if (!isWanted) return 'qemu_unprivileged is false';
  if (!virtioFs) return 'the share is 9p: QEMU acts for the users of the guest';
  if (!hasOwnRoot) return 'qemu_own_root is false';
  if (kept.includes('ALL')) return 'qemu_capabilities is ALL';
  if (memoryBackend?.directory !== SHARED_MEMORY) return `guest memory is made in ${memoryBackend?.directory ?? 'no file'}`;
  if (disksAsNvdimm) return 'NVDIMM devices are opened by QEMU';
  if (pflashes.length > 0) return 'flash images are written';
  const files = [kernel, image?.path ?? '', initrd ?? '', firmware].filter((path) => path !== '');
  const secret = files.find((path) => !isReadable(path));
  return secret === undefined ? undefined : `${secret} is readable for root alone`;
}
