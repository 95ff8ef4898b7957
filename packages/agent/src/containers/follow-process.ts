/** Follows a started process: ends its output when the process ends, and kills an exec'd process when its shim has disconnected. */
import { constants } from 'node:os';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import { AttachedCalls } from './attached-calls.ts';
import type { Launched } from './launcher.ts';
import type { GuestProcess } from './process.ts';

const { SIGKILL } = constants.signals;

interface Follow {
  readonly kernel: Pick<Kernel, 'kill'>;
  readonly log: Logger;
  /** Container of the process, for the log. */
  readonly container: string;
  /** A container's first process continues without its shim. */
  readonly isFirst: boolean;
  readonly onEnd: () => void;
}

export function followProcess(launched: Launched, { kernel, log, container, isFirst, onEnd }: Follow): GuestProcess {
  let ended: number | undefined;
  const { pid, io } = launched;
  const abandoned = (): void => {
    if (ended !== undefined) return;
    log.warn('a process is killed: its shim has disconnected', { container, process: pid });
    kernel.kill(pid, SIGKILL);
  };
  launched.exited
    .then((code) => {
      ended = code;
      onEnd();
      io.processEnded();
    })
    .catch(() => {});
  return { ...launched, exitCode: () => ended, attachedCalls: isFirst ? undefined : new AttachedCalls(abandoned) };
}
