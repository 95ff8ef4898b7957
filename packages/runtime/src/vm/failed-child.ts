/** Reports the end of a process that a VM needs as an error. */
import type { ChildProcess } from 'node:child_process';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import { lastLogLines } from '../hypervisor/qemu/qemu-process.ts';

/** Rejects when `child` ends, with `name` and the last lines of `logFile`. */
export function failedChild(child: ChildProcess, name: string, logFile: string): Promise<never> {
  const failed = new Promise<never>((_, reject) =>
    child.on('exit', (code, signal) =>
      reject(new HypervisorError(`${name} ended (${signal ?? `exit code ${code}`})`, lastLogLines(logFile))),
    ),
  );
  failed.catch(() => {}); // reported by the promise
  return failed;
}
