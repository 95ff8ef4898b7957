/** The QEMUs of sandboxes, found by their command lines: the crash may have happened before the journal named them. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { vmsDirectory } from '../../context/paths.ts';
import type { HostProcess } from '../../processes/host-processes.ts';

export interface VmProcess {
  /** Name of its directory in /run/vc/vm. */
  readonly id: string;
  readonly identity: ProcessIdentity;
}

const RUN = '/run';
const MONITOR = new RegExp(`${vmsDirectory}/([^/,]+)/qmp\\.sock`);

/** The sandbox's id on a command line of QEMU; undefined for other programs, such as a client of the monitor. Pure. */
export function vmIdOf(args: readonly string[]): string | undefined {
  const isSandbox = args[args.indexOf('-name') + 1]?.startsWith('sandbox-') === true;
  return isSandbox ? args.flatMap((arg) => MONITOR.exec(arg)?.[1] ?? [])[0] : undefined;
}

const deviceOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.dev;

/**
 * False for a QEMU in a container that has its own /run and kata-runtime. In QEMU's private root directory, /run contains only the VM's
 * directory.
 */
function isOfThisHost(pid: number, id: string): boolean {
  try {
    const root = `/proc/${pid}/root`;
    return (deviceOf(join(root, vmsDirectory, id)) ?? deviceOf(join(root, RUN))) === deviceOf(RUN);
  } catch {
    return false; // it has ended
  }
}

export function vmProcesses(processes: readonly HostProcess[]): VmProcess[] {
  return processes.flatMap(({ pid, args }) => {
    const id = vmIdOf(args);
    const identity = id === undefined ? undefined : identifyProcess(pid);
    return id !== undefined && identity && isOfThisHost(pid, id) ? [{ id, identity }] : [];
  });
}
