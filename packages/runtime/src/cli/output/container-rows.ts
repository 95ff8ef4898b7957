/** The containers as `list` prints them, in 1.x's shape (list.go). */
import { existsSync, statSync } from 'node:fs';
import { startTimeMs } from '@kata-containers/common/process/start-time-ms';
import { StateError } from '@kata-containers/common/errors/kata-error';
import type { Configuration } from '../../configuration/schema.ts';
import { currentState } from '../../state/container-status.ts';
import { ociStatus } from '../../state/lifecycle.ts';
import { configuredAssets, runningAssets, staleAssets } from '../../sandbox/sandbox-assets.ts';
import type { Assets } from '../../sandbox/sandbox-assets.ts';
import { listContainers, loadContainer, loadSandbox } from '../../state/state-store.ts';
import { containerAnnotations } from './container-annotations.ts';
import { OCI_VERSION } from './version-text.ts';

export interface ContainerRow {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly owner: string;
}

/** A container with a damaged state is logged, as in 1.x, and left out. */
function readable<T>(id: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    console.error(`WARNING: failed to get container ${id}: ${error.message}`);
    return undefined;
  }
}

/** The owner of a container whose root file system is missing is unknown. */
const UNKNOWN_OWNER = '-';

/**
 * Containers that are being created or removed have no record: they are left out. A container whose bundle or root file system is missing
 * may have a running VM: it is listed, and a warning names the path.
 */
export function containerRows(): { row: ContainerRow; sandboxId: string }[] {
  return listContainers().flatMap(({ id, sandboxId }) => {
    const record = readable(id, () => loadContainer(sandboxId, id));
    if (!record) return [];
    const missing = [record.BundlePath, record.Rootfs].find((path) => !existsSync(path));
    if (missing !== undefined) console.error(`WARNING: container ${id}: ${missing} is missing`);
    const uid = statSync(record.Rootfs, { throwIfNoEntry: false })?.uid;
    const status = ociStatus(currentState(record));
    const { BundlePath: bundle, Rootfs, Created: created, Process } = record;
    const pid = status === 'stopped' ? 0 : Process.Shim.pid;
    const annotations = containerAnnotations(record);
    const owner = uid === undefined ? UNKNOWN_OWNER : `#${uid}`;
    const row = { ociVersion: OCI_VERSION, id, pid, status, bundle, rootfs: Rootfs, created, annotations, owner };
    return [{ row, sandboxId }];
  });
}

export interface DetailedRow {
  readonly row: ContainerRow;
  readonly running: Assets;
  readonly latest: Assets;
  readonly stale: readonly string[];
}

/** Adds the components of each container's VM, and those of a new VM. */
export function detailedRows(configuration: Configuration): DetailedRow[] {
  const latest = configuredAssets(configuration);
  return containerRows().flatMap(({ row, sandboxId }) => {
    const sandbox = readable(row.id, () => loadSandbox(sandboxId));
    if (!sandbox) return [];
    const vm = sandbox.HypervisorState.Process;
    const running = runningAssets(vm.pid);
    return [{ row, running, latest, stale: staleAssets(running, latest, startTimeMs(vm)) }];
  });
}

/** The key "bool" is quoted from 1.x. */
const asset = (path: string): object => ({ path, bool: false });
const details = ({ hypervisor, kernel, image }: Assets): object => ({
  hypervisorAsset: asset(hypervisor),
  imageAsset: asset(image),
  kernelAsset: asset(kernel),
});

/** A list without rows is `null`, as Go writes it. */
export function rowsJson(rows: readonly DetailedRow[]): string {
  if (rows.length === 0) return 'null';
  const objects = rows.map(({ row, running, latest, stale }) => ({
    ...row,
    currentHypervisor: details(running),
    latestHypervisor: details(latest),
    StaleAssets: stale.length === 0 ? null : stale,
  }));
  return JSON.stringify(objects);
}

const BASIC = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
const basicCells = ({ id, pid, status, bundle, created, owner }: ContainerRow): string[] => [
  id,
  String(pid),
  status,
  bundle,
  created,
  owner,
];

export const basicTable = (rows: readonly ContainerRow[]): string[][] => [BASIC, ...rows.map(basicCells)];

export const fullTable = (rows: readonly DetailedRow[]): string[][] => [
  [...BASIC, 'HYPERVISOR', 'KERNEL', 'IMAGE', 'LATEST-KERNEL', 'LATEST-IMAGE', 'STALE'],
  ...rows.map(({ row, running, latest, stale }) => [
    ...basicCells(row),
    ...[running.hypervisor, running.kernel, running.image, latest.kernel, latest.image, stale.join(',') || '-'],
  ]),
];
