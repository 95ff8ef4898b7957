/** Sets the shim's terminal to raw mode and passes its size to the process. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { RemoteProcess } from './remote-process.ts';

type Terminal = Pick<Kernel, 'makeRaw' | 'restoreTerminal' | 'windowSize'>;

const STDIN = 0;

function tellSize(target: RemoteProcess, kernel: Terminal, log: Logger): void {
  const ignore = (error: unknown): void => log.info('the size of the terminal was not forwarded', { reason: errorMessage(error) });
  try {
    const { rows, columns } = kernel.windowSize(STDIN);
    // The terminal has no size yet. The process keeps its default size.
    if (rows > 0 && columns > 0) target.resize(rows, columns).catch(ignore);
  } catch (error) {
    ignore(error);
  }
}

/** Sets the terminal to raw mode, and restores it when this process exits. A stdin that is not a terminal is not changed. */
export function takeTerminal(target: RemoteProcess, kernel: Terminal, log: Logger): void {
  try {
    const saved = kernel.makeRaw(STDIN);
    process.on('exit', () => {
      try {
        kernel.restoreTerminal(STDIN, saved);
      } catch {
        // The terminal is closed.
      }
    });
  } catch (error) {
    log.warn('stdin is not a terminal', { reason: errorMessage(error) });
  }
  process.on('SIGWINCH', () => tellSize(target, kernel, log));
  tellSize(target, kernel, log);
}
