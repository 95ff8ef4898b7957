/** First process of a PID namespace that the sandbox' containers share: it waits, reaps orphans, and keeps the namespace. */
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { CLONE_NEWPID } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Reaper } from '../processes/reaper.ts';

/** `wait` reaps whatever ends below, so the shell never has to look. */
const SCRIPT = 'while :; do sleep 2147483647 & wait; done';
const { SIGKILL } = constants.signals;

export interface PauseProcess {
  /** What a container joins. */
  readonly namespacePath: string;
  /** Ends it, and with it everything in the namespace. */
  stop(): Promise<void>;
}

type Calls = Pick<Kernel, 'unshare' | 'setns' | 'kill'>;

/** unshare(2) of a PID namespace only concerns children: the next one is its first process, then the agent goes back. */
export function startPauseProcess(kernel: Calls, reaper: Pick<Reaper, 'spawn'>): PauseProcess {
  const home = openSync('/proc/self/ns/pid', 'r');
  try {
    kernel.unshare(CLONE_NEWPID);
    const child = reaper.spawn('sh', ['-c', SCRIPT], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    ended.catch(() => {}); // it could not be started, which the missing pid says
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
