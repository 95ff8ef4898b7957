/** Sandboxes that no engine will delete: a crash has ended their QEMU, their shims or their create. */
import { readdirSync } from 'node:fs';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { Tools } from '../../context/context.ts';
import { directoriesIn } from '../../context/directories-in.ts';
import { sandboxPaths, sandboxesDirectory } from '../../context/paths.ts';
import { endProcess } from '../../processes/end-process.ts';
import { hostProcesses } from '../../processes/host-processes.ts';
import type { HostProcess } from '../../processes/host-processes.ts';
import { firstContainer, isFirstContainer } from '../../state/sandbox-name.ts';
import { containersOf, isHandedOver } from '../../state/state-store.ts';
import { allEntries } from '../../undo/container-journal.ts';
import type { Undo } from '../../undo/undo-journal.ts';
import { deleteContainer } from '../delete-container.ts';
import { failuresOf } from './leftover.ts';
import type { Leftover } from './leftover.ts';
import { userOf } from './sandbox-users.ts';
import { vmProcesses } from './vm-processes.ts';

const processesIn = (entries: readonly Undo[], name: string): ProcessIdentity[] =>
  entries.flatMap((entry) => (entry.undo === 'kill' && entry.name === name ? [entry.process] : []));

/** A sandbox without a journal belongs to another program, 1.x for example, unless its create ended before the first entry. */
const isForeign = (id: string, entries: readonly Undo[]): boolean => entries.length === 0 && readdirSync(sandboxPaths(id).state).length > 0;

function reason(entries: readonly Undo[]): string {
  const qemu = processesIn(entries, 'qemu').at(-1);
  if (!qemu || processesIn(entries, 'kata-shim').length === 0) return 'its create was interrupted';
  return isAlive(qemu) ? `QEMU (pid ${qemu.pid}) runs, and no shim of its containers does` : `QEMU (pid ${qemu.pid}) has ended`;
}

const containersIn = (id: string): string[] => [...new Set([...containersOf(id), ...directoriesIn(sandboxPaths(id).state)])];

/**
 * Deletes each container like `delete --force`, the first container last. If the first container is already deleted, a container in another
 * sandbox may have its id.
 */
async function remove(tools: Tools, id: string, strays: readonly ProcessIdentity[]): Promise<string[]> {
  const others = containersIn(id).filter((container) => !isFirstContainer(id, container));
  const all = isHandedOver(id) ? others : [...others, firstContainer(id)];
  return failuresOf([
    ...strays.map((stray) => () => endProcess(stray, 0)),
    ...all.map((container) => () => deleteContainer(tools, container, true)),
  ]);
}

function leftSandbox(tools: Tools, id: string, processes: readonly HostProcess[]): Leftover[] {
  const entries = allEntries(id);
  if (isForeign(id, entries) || processesIn(entries, 'kata-shim').some(isAlive)) return [];
  if (userOf(processes, [id, firstContainer(id), ...containersIn(id)])) return [];
  const known = new Set(processesIn(entries, 'qemu').map(({ pid }) => pid));
  const strays = vmProcesses(processes).filter((vm) => vm.id === id && !known.has(vm.identity.pid));
  return [{ what: `sandbox ${id}`, why: reason(entries), remove: () => remove(tools, id, strays.map(({ identity }) => identity)) }]; // prettier-ignore
}

export function leftSandboxes(tools: Tools): Leftover[] {
  const ids = directoriesIn(sandboxesDirectory);
  const processes = hostProcesses(); // after listing the directories: a create that is not found has ended
  return ids.flatMap((id) => leftSandbox(tools, id, processes));
}
