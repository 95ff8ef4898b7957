/** Undoes changes in network namespaces, and removes namespaces. Missing objects are a success. */
import { existsSync, rmSync } from 'node:fs';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { unmountTree } from '../mounts/unmount-tree.ts';
import { runTool } from './ip-command.ts';
import { restoreBatch } from './macvtap-plan.ts';
import type { SavedLink } from './macvtap-plan.ts';
import { inNetworkNamespace, isOwnNamespace } from './namespace.ts';

/**
 * Whether the path still refers to the sandbox's namespace. A path in /proc names a process: when the process has ended, its pid may be
 * reused, and links of the host must not be changed.
 */
const isStrange = (netns: string): boolean => existsSync(netns) && !isOwnNamespace(netns);

/** -force continues after a failed line: the engine may have removed the link already. @throws TimeoutError */
async function runAll(program: string, input: string, timeoutMs: number): Promise<void> {
  await runTool(program, ['-force', '-batch', '-'], { input, timeoutMs }).catch((error: unknown) => {
    if (error instanceof TimeoutError) throw error;
  });
}

/** Removes taps and the ingress qdiscs of their links from a namespace that the engine keeps. */
export interface MadeLinks {
  readonly netns: string;
  readonly links: readonly string[];
  readonly ingress: readonly string[];
}

type Setns = Pick<Kernel, 'setns'>;

/** Deletes the taps and the ingress qdiscs. @throws TimeoutError */
export async function deleteLinks({ netns, links, ingress }: MadeLinks, kernel: Setns, timeoutMs: number): Promise<void> {
  if (!isStrange(netns)) return;
  const ip = links.map((link) => `link delete dev ${link}\n`).join('');
  const tc = ingress.map((link) => `qdisc delete dev ${link} ingress\n`).join('');
  await inNetworkNamespace(netns, kernel, async () => {
    await Promise.all([runAll('ip', ip, timeoutMs), runAll('tc', tc, timeoutMs)]);
  });
}

/** Restores the addresses of links that had a macvtap, if the links still exist. @throws TimeoutError */
export async function restoreLinks(
  { netns, links }: { readonly netns: string; readonly links: readonly SavedLink[] },
  kernel: Setns,
  timeoutMs: number,
): Promise<void> {
  if (links.length === 0 || !isStrange(netns)) return;
  await inNetworkNamespace(netns, kernel, () => runAll('ip', links.map(restoreBatch).join(''), timeoutMs));
}

/** Removes a namespace that the runtime created: its bind mount and the file below. */
export function deleteNetworkNamespace(path: string, kernel: Pick<Kernel, 'umountExactly'>): void {
  unmountTree(path, kernel);
  rmSync(path, { force: true });
}
