/** Mappings of containers to sandboxes that do not exist: the id of such a container cannot be used again. */
import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { mappingDirectory, sandboxPaths } from '../../context/paths.ts';
import { hostProcesses } from '../../processes/host-processes.ts';
import { listContainers } from '../../state/state-store.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';
import { userOf } from './sandbox-users.ts';

export function leftMappings(): Leftover[] {
  const containers = listContainers();
  const processes = hostProcesses();
  const left = containers.filter(({ id, sandboxId }) => !existsSync(sandboxPaths(sandboxId).state) && !userOf(processes, [id]));
  return left.map(({ id, sandboxId }) => ({
    what: `container ${id}`,
    why: `its sandbox ${sandboxId} does not exist`,
    remove: () => failuresOf([join(mappingDirectory, id, sandboxId), join(mappingDirectory, id)].map((path) => () => rmdirSync(path))),
  }));
}
