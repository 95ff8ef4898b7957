import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { identifyProcess, isAlive, signalProcess } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { childrenOf } from './process-use.ts';

/** Interval of the checks of a process that is not a child: no event reports its end. */
const LOOK_MS = 5;

/** Resolves to true when the process has ended within `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = monotonicMs() + timeoutMs;
  while (isAlive(identity)) {
    if (monotonicMs() > deadline) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** Time for a process to end after SIGKILL. */
const KILL_MS = 5000;

/** Ends a process: SIGTERM, then SIGKILL after `graceMs`. @throws KataError when the process does not end within `killMs` */
export async function endProcess(identity: ProcessIdentity, graceMs: number, killMs = KILL_MS): Promise<void> {
  if (!signalProcess(identity, 'SIGTERM') || (await waitForEnd(identity, graceMs))) return;
  signalProcess(identity, 'SIGKILL');
  if (!(await waitForEnd(identity, killMs))) throw new KataError(`process ${identity.pid} does not exit (is it stuck in the kernel?)`);
}

/** Ends a process and its descendants: a daemon's child may keep namespaces alive. */
export async function killProcessTree(identity: ProcessIdentity, graceMs: number, killMs = KILL_MS): Promise<void> {
  const children = isAlive(identity) ? childrenOf(identity.pid).flatMap((pid) => identifyProcess(pid) ?? []) : [];
  await Promise.all([identity, ...children].map((member) => endProcess(member, graceMs, killMs)));
}

/** Closes fds, and ignores closed fds. */
export function closeAll(descriptors: readonly number[]): void {
  for (const fd of descriptors) {
    try {
      closeSync(fd);
    } catch {
      // closed already
    }
  }
}
