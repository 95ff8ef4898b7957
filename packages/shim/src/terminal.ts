/** Our terminal in raw mode, its size told to the process. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { RemoteProcess } from './remote-process.ts';

type Terminal = Pick<Kernel, 'makeRaw' | 'restoreTerminal' | 'windowSize'>;

const STDIN = 0;

function tellSize(target: RemoteProcess, kernel: Terminal, log: Logger): void {
  const ignore = (error: unknown): void => log.info('the terminal’s size was not passed on', { reason: errorMessage(error) });
  try {
    const { rows, columns } = kernel.windowSize(STDIN);
    // A terminal without a size yet: the process' own default is better than zero.
    if (rows > 0 && columns > 0) target.resize(rows, columns).catch(ignore);
  } catch (error) {
    ignore(error);
  }
}

/** Raw until this process ends, whatever way: restored on exit. A stdin that is no terminal is left alone. */
export function takeTerminal(target: RemoteProcess, kernel: Terminal, log: Logger): void {
  try {
    const saved = kernel.makeRaw(STDIN);
    process.on('exit', () => {
      try {
        kernel.restoreTerminal(STDIN, saved);
      } catch {
        // The terminal is gone, and its settings with it.
      }
    });
  } catch (error) {
    log.warn('stdin is not a terminal', { reason: errorMessage(error) });
  }
  process.on('SIGWINCH', () => tellSize(target, kernel, log));
  tellSize(target, kernel, log);
}
