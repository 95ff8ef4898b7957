/** `kata-network`: the interfaces and routes of a running guest. */
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

/** A link of the sandbox's namespace that the VM does not have is hot-plugged; otherwise the guest's device with its address is changed. */
export async function addInterface(context: Context, id: string, wanted: Interface): Promise<Interface> {
  const { sandbox, sandboxId } = loadContainerFor('network', id);
  const plugged = await plugNamed(context, sandboxId, wanted);
  const complete = plugged ? { ...wanted, hwAddr: plugged.mac, pciPath: plugged.pciPath } : wanted;
  return callGuest(sandbox, (agent) => agent.call('updateInterface', { interface: complete }));
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
