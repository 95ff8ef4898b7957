import type { ContainerPlace } from '../state/sandbox-name.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { listContainers, loadContainer } from '../state/state-store.ts';
import { engineName } from './engine-name.ts';

function nameOf({ sandboxId, id }: ContainerPlace): string | undefined {
  try {
    const record = loadContainer(sandboxId, id);
    return record && engineName(id, record);
  } catch {
    return undefined; // a damaged state file must not hide the other containers
  }
}

/** Ids of the containers with this name of their engine, one for each sandbox: all containers of a pod have the pod's name. */
export function findByEngineName(name: string): string[] {
  const named = listContainers().filter((place) => nameOf(place) === name);
  const firsts = named.filter(({ sandboxId, id }) => isFirstContainer(sandboxId, id));
  const others = named.filter(({ sandboxId }) => !firsts.some((first) => first.sandboxId === sandboxId));
  return [...firsts, ...others].map(({ id }) => id);
}
