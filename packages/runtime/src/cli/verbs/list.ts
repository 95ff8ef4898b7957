import { statSync } from 'node:fs';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { currentState } from '../../sandbox/container-status.ts';
import { ociStatus } from '../../sandbox/lifecycle.ts';
import { listContainers, loadContainer } from '../../sandbox/state-store.ts';
import { print } from '../print.ts';
import { table } from '../table.ts';
import { textOption } from '../verb.ts';
import type { Verb } from '../verb.ts';
import { OCI_VERSION } from '../version-text.ts';

interface Row {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly owner: string;
}

/** Containers that are being made or removed at this moment have no record, or no root file system: they are left out. */
function rows(): Row[] {
  return listContainers().flatMap(({ id, sandboxId }): Row[] => {
    const record = loadContainer(sandboxId, id);
    const rootfs = record && statSync(record.Rootfs, { throwIfNoEntry: false });
    if (!record || !rootfs) return [];
    const status = ociStatus(currentState(record));
    const { BundlePath: bundle, Rootfs, Created: created, Process } = record;
    const pid = status === 'stopped' ? 0 : Process.Shim.pid;
    return [{ ociVersion: OCI_VERSION, id, pid, status, bundle, rootfs: Rootfs, created, owner: `#${rootfs.uid}` }];
  });
}

const columns = (list: readonly Row[]): string[][] => [
  ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
  ...list.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
];

export const list: Verb = {
  describe: (command) =>
    void command
      .option('-f, --format <format>', 'table or json', 'table')
      .option('-q, --quiet', 'ids only')
      .option('--kata-all', 'accepted'),
  run({ options }) {
    const format = textOption(options, 'format');
    if (format !== 'table' && format !== 'json') throw new UsageError('invalid format option');
    const found = rows();
    if (options['quiet'] === true) for (const { id } of found) print(`${id}\n`);
    else if (format === 'json') print(found.length === 0 ? 'null' : JSON.stringify(found));
    else print(table(columns(found)));
    return Promise.resolve(0);
  },
};
