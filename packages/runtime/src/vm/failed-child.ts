/** Reports the end of a process that a VM needs as an error. */
import type { ChildProcess } from 'node:child_process';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import { lastLogLines } from '../hypervisor/qemu/qemu-process.ts';

export interface WatchedChild {
  readonly name: string;
  readonly logFile: string;
  /** Adds the setting to change to the last lines of the log. */
  readonly withHint?: (lines: string) => string;
}

/** Rejects when `child` ends, with `name` and the last lines of `logFile`. */
export function failedChild(child: ChildProcess, { name, logFile, withHint = (lines) => lines }: WatchedChild): Promise<never> {
  const failed = new Promise<never>((_, reject) =>
    child.on('exit', (code, signal) =>
      reject(new HypervisorError(`${name} ended (${signal ?? `exit code ${code}`})`, withHint(lastLogLines(logFile)))),
    ),
  );
  failed.catch(() => {}); // reported by the promise
  return failed;
}
