/** Starts virtiofsd, which serves a VM's share. virtiofsd exits with the VM, because QEMU's connection is its only connection. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { disabling } from '../configuration/confinement-parts.ts';
import { componentVersion } from '../host-check/component-version.ts';
import type { QemuPlan, VirtioFs } from '../hypervisor/qemu/qemu-plan.ts';
import { findVirtiofsd } from '../processes/find-virtiofsd.ts';
import { spawnDetached } from '../processes/spawn-detached.ts';
import { takesSandbox, virtiofsdCommandLine, virtiofsdKind } from '../processes/virtiofsd-command-line.ts';
import type { Context } from '../context/context.ts';
import { virtiofsdLog } from '../context/paths.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { failedChild } from './failed-child.ts';

export interface StartedDaemon {
  readonly identity: ProcessIdentity;
  /** Rejects when the daemon ends. */
  readonly failed: Promise<never>;
}

export interface DaemonStart {
  readonly plan: QemuPlan;
  /** Directory of the VM's files. */
  readonly directory: string;
  readonly journal: UndoJournal;
}

/** Texts of both programs when they cannot enter their namespaces (passthrough_ll.c; main.rs of virtiofsd). */
const WITHOUT_NAMESPACES = /unshare|pivot_root|mount\(|entering sandbox/i;

const withHint = (lines: string): string => (WITHOUT_NAMESPACES.test(lines) ? `${lines} (${disabling('virtiofsd')})` : lines);

/** @throws HypervisorError when the daemon cannot be run */
function args({ configuration: { hypervisor } }: Context, { sharedDirectory, debug }: QemuPlan, binary: string): string[] {
  const version = componentVersion(binary);
  if (version === undefined) throw new HypervisorError(`virtiofsd (${binary}) cannot be run`, '');
  return virtiofsdCommandLine({
    kind: virtiofsdKind(version),
    source: sharedDirectory,
    cache: hypervisor.virtio_fs_cache,
    sandbox: takesSandbox(version) ? hypervisor.virtio_fs_sandbox : undefined,
    debug,
    extra: hypervisor.virtio_fs_extra_args,
  });
}

/** The listening socket exists before the daemon, so QEMU can be started at once. */
function spawn(context: Context, { socket }: VirtioFs, { plan, directory, journal }: DaemonStart): StartedDaemon {
  const binary = findVirtiofsd(context.configuration.hypervisor.virtio_fs_daemon);
  const own = args(context, plan, binary);
  const logFile = join(directory, virtiofsdLog);
  const log = openSync(logFile, 'a', 0o600);
  const listening = context.kernel.listenUnix(socket);
  try {
    const stdio = ['ignore', log, log, listening] as const;
    const { identity, child } = spawnDetached({
      binary,
      args: own,
      stdio: [...stdio],
      detached: true,
      environment: context.environment,
    });
    journal.recordProcess({ undo: 'kill', name: 'virtiofsd', process: identity, family: true });
    return { identity, failed: failedChild(child, { name: `virtiofsd (${binary})`, logFile, withHint }) };
  } finally {
    closeSync(listening);
    closeSync(log);
  }
}

/** undefined when the share is not virtio-fs. @throws KataError when the daemon is missing or cannot be run */
export function startVirtiofsd(context: Context, start: DaemonStart): StartedDaemon | undefined {
  return start.plan.virtioFs && spawn(context, start.plan.virtioFs, start);
}
