/** First process of a PID namespace that the sandbox's containers share: it waits, reaps orphans, and keeps the namespace alive. */
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { CLONE_NEWPID } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Reaper } from '../processes/reaper.ts';

/** `wait` reaps every child that ends, so the shell needs no loop. */
const SCRIPT = 'while :; do sleep 2147483647 & wait; done';
const { SIGKILL } = constants.signals;

export interface PauseProcess {
  /** Path of the namespace that containers join. */
  readonly namespacePath: string;
  /** Kills the process, and with it all processes of the namespace. */
  stop(): Promise<void>;
}

type Calls = Pick<Kernel, 'unshare' | 'setns' | 'kill'>;

/** unshare(2) of a PID namespace applies to children only: the next child is its first process, then the agent returns to its own. */
export function startPauseProcess(kernel: Calls, reaper: Pick<Reaper, 'spawn'>): PauseProcess {
  const home = openSync('/proc/self/ns/pid', 'r');
  try {
    kernel.unshare(CLONE_NEWPID);
    const child = reaper.spawn('sh', ['-c', SCRIPT], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    ended.catch(() => {}); // it could not be started: it has no pid
    const { pid } = child;
    if (pid === undefined) throw new Error('the pause process cannot be started');
    const stop = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null) kernel.kill(pid, SIGKILL);
      await ended;
    };
    return { namespacePath: `/proc/${pid}/ns/pid`, stop };
  } finally {
    kernel.setns(home, CLONE_NEWPID);
    closeSync(home);
  }
}
