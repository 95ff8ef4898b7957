/** The report to the runtime: the shim has started, or why not (`report` of ShimDuties). */
import { closeSync, writeSync } from 'node:fs';
import { SHIM_STARTED } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';

export interface StartReport {
  /** Only the first call has an effect. */
  succeeded(): void;
  failed(error: unknown): void;
}

/** `pipe` is an fd, which the first call closes. */
export function startReport(pipe: number | undefined): StartReport {
  let open = pipe;
  const end = (text: string): void => {
    if (open === undefined) return;
    try {
      writeSync(open, text);
    } catch {
      // The runtime no longer waits: the error is in the log.
    }
    closeSync(open);
    open = undefined;
  };
  return { succeeded: () => end(SHIM_STARTED), failed: (error) => end(errorMessage(error)) };
}
