/** Undoes changes in network namespaces, and removes namespaces. Anything that was removed already is a success. */
import { existsSync, rmSync } from 'node:fs';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { unmountTree } from '../mounts/unmount-tree.ts';
import { runTool } from './ip-command.ts';
import { restoreBatch } from './macvtap-plan.ts';
import type { SavedLink } from './macvtap-plan.ts';
import { inNetworkNamespace, isOwnNamespace } from './namespace.ts';

/**
 * Whether the path still is the sandbox's namespace. A path in /proc names a process: once it has ended, another process may have its pid,
 * and the host's own links must not be changed.
 */
const isStrange = (netns: string): boolean => existsSync(netns) && !isOwnNamespace(netns);

/** -force goes on after a line that fails: the link may have gone with the engine's own clean-up. @throws TimeoutError */
async function runAll(program: string, input: string, timeoutMs: number): Promise<void> {
  await runTool(program, ['-force', '-batch', '-'], { input, timeoutMs }).catch((error: unknown) => {
    if (error instanceof TimeoutError) throw error;
  });
}

/** Removes taps and the ingress queues of their links from a namespace of the engine, which stays. */
export interface MadeLinks {
  readonly netns: string;
  readonly links: readonly string[];
  readonly ingress: readonly string[];
}

type Setns = Pick<Kernel, 'setns'>;

/** Deletes the taps and the ingress queues. @throws TimeoutError */
export async function deleteLinks({ netns, links, ingress }: MadeLinks, kernel: Setns, timeoutMs: number): Promise<void> {
  if (!isStrange(netns)) return;
  const ip = links.map((link) => `link delete dev ${link}\n`).join('');
  const tc = ingress.map((link) => `qdisc delete dev ${link} ingress\n`).join('');
  await inNetworkNamespace(netns, kernel, async () => {
    await Promise.all([runAll('ip', ip, timeoutMs), runAll('tc', tc, timeoutMs)]);
  });
}

/** Gives links back what macvtaps took from them, as far as they still exist. @throws TimeoutError */
export async function restoreLinks(
  { netns, links }: { readonly netns: string; readonly links: readonly SavedLink[] },
  kernel: Setns,
  timeoutMs: number,
): Promise<void> {
  if (links.length === 0 || !isStrange(netns)) return;
  await inNetworkNamespace(netns, kernel, () => runAll('ip', links.map(restoreBatch).join(''), timeoutMs));
}

/** Removes a namespace that the runtime created: its bind mount and the file below. */
export function deleteNetworkNamespace(path: string, kernel: Pick<Kernel, 'umount'>): void {
  unmountTree(path, kernel);
  rmSync(path, { force: true });
}
