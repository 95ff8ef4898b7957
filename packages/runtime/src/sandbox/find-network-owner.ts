/** Finds the sandbox whose VM is attached to the network namespace of a new container. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Spec } from '@kata-containers/common/oci/spec';
import type { Context } from '../context/context.ts';
import { isSameNamespace } from '../network/namespace.ts';
import { loadSandbox, sandboxNames } from '../state/state-store.ts';

/** Undefined for a damaged or incomplete sandbox. */
function hasNamespace(sandboxId: string, path: string): boolean {
  try {
    return isSameNamespace(loadSandbox(sandboxId).Network.NetNsPath, path);
  } catch {
    return false;
  }
}

/** @returns the sandbox's name; undefined when no VM has that namespace. @throws KataError when the configuration does not allow sharing */
export function findNetworkOwner({ configuration }: Context, { linux }: Spec): string | undefined {
  const { path = '' } = (linux?.namespaces ?? []).find(({ type }) => type === 'network') ?? {};
  const owner = path === '' ? undefined : sandboxNames().find((name) => hasNamespace(name, path));
  if (owner !== undefined && !configuration.runtime.enable_network_sharing)
    throw new KataError(`network namespace ${path} belongs to the VM of container ${owner}: enable_network_sharing is false`);
  return owner;
}
