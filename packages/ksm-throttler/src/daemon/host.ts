/** The daemon's view of the host, as its flags describe it. */
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ParsedFlags } from '../process/read-command-line.ts';
import { DryRun, Sysfs } from '../kernel/attributes.ts';
import { Ksm, requiredNames } from '../kernel/ksm.ts';
import { ksmdSeconds } from '../kernel/ksmd-time.ts';
import { readRecord, recordPath } from '../status/record-file.ts';
import { statusMessage } from '../status/status-message.ts';

export interface DaemonHost {
  readonly socket: string;
  readonly recordPath: string;
  readonly dryRun: boolean;
  readonly ksm: Ksm;
  readonly ksmdSeconds: () => number | undefined;
}

/** @throws UsageError for an invalid socket path; KataError when KSM is missing, or with `access` 'write' when it cannot be set */
export function openHost(given: ParsedFlags, access: 'read' | 'write'): DaemonHost {
  const socket = socketPath(given.text('uri'));
  const directory = given.text('ksm');
  const proc = given.text('proc');
  const dryRun = given.is('dry-run');
  const sysfs = new Sysfs(directory);
  sysfs.require(requiredNames, dryRun ? 'read' : access);
  const print = (name: string, value: string): void => void writeSync(1, `would write ${value} to ${join(directory, name)}\n`);
  return {
    socket,
    recordPath: recordPath(socket),
    dryRun,
    ksm: new Ksm(dryRun ? new DryRun(sysfs, print) : sysfs, () => readFileSync(join(proc, 'meminfo'), 'latin1')),
    ksmdSeconds: () => ksmdSeconds(proc),
  };
}

/** The status as text, from the kernel and the running daemon's record. */
export function describeHost({ ksm, recordPath: path, ksmdSeconds: seconds }: DaemonHost): string {
  const daemon = readRecord(path);
  return statusMessage({
    daemon,
    isAlive: daemon !== undefined && isAlive(daemon),
    values: ksm.values(),
    merged: ksm.merged(),
    ksmdSeconds: seconds(),
    now: new Date(),
  });
}
