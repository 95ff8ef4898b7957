/** `kata-network`: the interfaces and routes of a running guest. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Interface, Route } from '@kata-containers/common/generated/types';
import { callGuest } from './call-guest.ts';
import type { Context } from '../context/context.ts';
import { plugNamed, unplugInterface } from './plug-network.ts';
import { loadContainerFor } from '../state/load-container-for.ts';

/** All: @throws ContainerNotFoundError, StateError, AgentError */
export async function listInterfaces(id: string): Promise<Interface[]> {
  const { sandbox } = loadContainerFor('network', id);
  return (await callGuest(sandbox, (agent) => agent.call('listInterfaces', {}))).Interfaces;
}

export async function listRoutes(id: string): Promise<Route[]> {
  const { sandbox } = loadContainerFor('network', id);
  return (await callGuest(sandbox, (agent) => agent.call('listRoutes', {}))).Routes;
}

/**
 * A link of the sandbox's namespace that the VM does not have is hot-plugged, and unplugged when the guest does not accept it; otherwise the
 * guest's device with its address is changed.
 */
export async function addInterface(context: Context, id: string, wanted: Interface): Promise<Interface> {
  const { sandbox, sandboxId } = loadContainerFor('network', id);
  const plugged = await plugNamed(context, sandboxId, wanted);
  const complete = plugged ? { ...wanted, hwAddr: plugged.mac, pciPath: plugged.pciPath } : wanted;
  try {
    return await callGuest(sandbox, (agent) => agent.call('updateInterface', { interface: complete }));
  } catch (error) {
    await plugged
      ?.undo?.()
      .catch((failure: unknown) => context.log.warn('the interface stays attached', { failure: errorMessage(failure) }));
    throw error;
  }
}

export async function removeInterface(context: Context, id: string, unwanted: Interface): Promise<Interface> {
  await unplugInterface(context, loadContainerFor('network', id).sandboxId, unwanted);
  return unwanted;
}

/** Replaces all routes of the main table. */
export async function updateRoutes(id: string, routes: readonly Route[]): Promise<Route[]> {
  const { sandbox } = loadContainerFor('network', id);
  return (await callGuest(sandbox, (agent) => agent.call('updateRoutes', { routes: { Routes: [...routes], Multipath: [] } }))).Routes;
}
