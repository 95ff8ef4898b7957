/** Creates a network namespace with unconnected taps: a guest's network device depends on the properties of its tap. */
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import type { QemuNetwork } from '../../hypervisor/qemu/qemu-plan.ts';
import { runTool } from '../../network/ip-command.ts';
import { createNetworkNamespace, inNetworkNamespace } from '../../network/namespace.ts';
import { requireTun } from '../../network/require-tun.ts';
import { tapsBatch } from '../../network/tcfilter-plan.ts';
import type { UndoJournal } from '../../undo/undo-journal.ts';

/** @returns the namespace's path */
export async function makeTapNamespace(
  networks: readonly QemuNetwork[],
  journal: UndoJournal,
  kernel: Pick<Kernel, 'setns' | 'unshare' | 'mount'>,
): Promise<string> {
  if (networks.length > 0) requireTun();
  const path = `/run/netns/cnitest-${randomUuid()}`;
  journal.record({ undo: 'delete-netns', path });
  createNetworkNamespace(path, kernel);
  if (networks.length > 0)
    await inNetworkNamespace(path, kernel, () => runTool('ip', ['-batch', '-'], { input: tapsBatch(networks.map(({ tap }) => tap)) }));
  return path;
}
