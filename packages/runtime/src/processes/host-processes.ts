/** The host's processes with their arguments. */
import { readdirSync } from 'node:fs';
import { commandLineOf } from './process-use.ts';

export interface HostProcess {
  readonly pid: number;
  readonly args: readonly string[];
}

/** All processes but this one and the kernel's threads. */
export function hostProcesses(): HostProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.flatMap((pid) => {
    const args = commandLineOf(Number(pid)).split('\0');
    return args.length > 1 ? [{ pid: Number(pid), args }] : [];
  });
}
