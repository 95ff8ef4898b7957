/** Carries out undo entries. Each is a success when its object does not exist, and none removes a path that is or contains a mount point. */
import { rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { removeSpanFiles } from '@kata-containers/common/tracing/span-file';
import { removeCgroup } from '../host-cgroup/remove-cgroup.ts';
import { deleteLinks, deleteNetworkNamespace, restoreLinks } from '../network/teardown.ts';
import { killProcessTree, endProcess } from '../processes/end-process.ts';
import { unmountTree } from '../mounts/unmount-tree.ts';
import { replay } from './undo-journal.ts';
import type { Undo, UndoJournal } from './undo-journal.ts';

type UndoCalls = Pick<Kernel, 'umountExactly' | 'setns'>;

interface UndoTools {
  readonly log: Logger;
  readonly kernel: UndoCalls;
}

/** Runs a removal; a missing object is a success. */
function tolerateMissing(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Time limit for all waiting of one replay: `delete` must end soon, even with many busy mounts and hanging processes. */
const REPLAY_MS = 3000;
/** Interval of attempts to unmount: a guest releases files a moment after its answer, and no event on the host reports it. */
const BUSY_MS = 1000;
const LOOK_MS = 20;

async function unmount(path: string, kernel: Pick<Kernel, 'umountExactly'>, leftMs: number): Promise<void> {
  const deadline = monotonicMs() + Math.min(BUSY_MS, leftMs);
  for (;;) {
    try {
      return unmountTree(path, kernel);
    } catch (error) {
      if (errorCode(error) !== 'EBUSY' || monotonicMs() > deadline) throw error;
    }
    await sleep(LOOK_MS);
  }
}

/** Time between SIGTERM and SIGKILL, and minimum time for the end after SIGKILL. */
const TERMINATION_MS = 500;
/**
 * Additional time for all runs of ip and tc together, and minimum time for each. They take milliseconds on a working host, but more than a
 * second on a busy host that is emulated itself.
 */
const LINKS_MS = 4000;
const LINK_MS = 1000;

/** `left`: milliseconds that remain for waiting; negative when they have passed. */
async function undoOne(entry: Undo, kernel: UndoCalls, left: number): Promise<void> {
  const leftMs = Math.max(0, left);
  const [graceMs, killMs] = [Math.min(TERMINATION_MS, leftMs), Math.max(TERMINATION_MS, leftMs)];
  const linksMs = Math.max(LINK_MS, left + LINKS_MS);
  switch (entry.undo) {
    case 'rmdir':
      return tolerateMissing(() => rmdirSync(entry.path));
    case 'unlink':
      return tolerateMissing(() => unlinkSync(entry.path));
    case 'remove-sockets':
      for (const name of entry.names) tolerateMissing(() => unlinkSync(join(entry.directory, name)));
      removeSpanFiles(entry.directory);
      return;
    case 'unmount':
      return unmount(entry.path, kernel, leftMs);
    case 'remove-cgroup':
      return removeCgroup(entry.directories, leftMs);
    case 'kill':
      return entry.family ? killProcessTree(entry.process, graceMs, killMs) : endProcess(entry.process, graceMs, killMs);
    case 'delete-links':
      return deleteLinks(entry, kernel, linksMs);
    case 'restore-links':
      return restoreLinks(entry, kernel, linksMs);
    case 'delete-netns':
      return deleteNetworkNamespace(entry.path, kernel);
  }
}

/** Undoes everything. @returns one line for each thing that could not be undone */
export function undoAll(entries: readonly Undo[], kernel: UndoCalls, totalMs = REPLAY_MS): Promise<string[]> {
  const deadline = monotonicMs() + totalMs;
  return replay(entries, (entry) => undoOne(entry, kernel, deadline - monotonicMs()));
}

/** Undoes everything, and logs `warning` for each thing that could not be undone. */
export async function undoOrWarn(entries: readonly Undo[], { log, kernel }: UndoTools, warning: string): Promise<void> {
  for (const failure of await undoAll(entries, kernel)) log.warn(warning, { failure });
}

/** Undoes what was recorded after the first `count` entries, for a VM that failed. */
export async function undoSince(journal: UndoJournal, count: number, tools: UndoTools): Promise<void> {
  await undoOrWarn(journal.entries().slice(count), tools, 'a VM that failed is not removed completely');
}
