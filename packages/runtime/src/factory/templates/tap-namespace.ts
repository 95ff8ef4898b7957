/** Creates a network namespace with unconnected taps: a guest's network device depends on the properties of its tap. */
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import type { QemuNetwork } from '../../hypervisor/qemu/qemu-plan.ts';
import { createTaps } from '../../network/create-taps.ts';
import { createNetworkNamespace, inNetworkNamespace } from '../../network/namespace.ts';
import type { UndoJournal } from '../../undo/undo-journal.ts';

/** @returns the namespace's path */
export async function makeTapNamespace(
  networks: readonly QemuNetwork[],
  journal: UndoJournal,
  kernel: Pick<Kernel, 'setns' | 'unshare' | 'mount' | 'createTap'>,
): Promise<string> {
  const path = `/run/netns/cnitest-${randomUuid()}`;
  journal.record({ undo: 'delete-netns', path });
  createNetworkNamespace(path, kernel);
  const taps = networks.map(({ tap }) => tap);
  await inNetworkNamespace(path, kernel, () => createTaps(taps, kernel));
  return path;
}
