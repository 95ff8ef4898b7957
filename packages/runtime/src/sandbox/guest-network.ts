/** `kata-network`: the interfaces and routes of a running guest. */
import type { Interface, Route } from '@kata-containers/common/generated/types';
import { callGuest } from './call-guest.ts';
import { requireFor } from './require-for.ts';

/** All: @throws ContainerNotFoundError, StateError, AgentError */
export async function listInterfaces(id: string): Promise<Interface[]> {
  const { sandbox } = requireFor('network', id);
  return (await callGuest(sandbox, (agent, deadline) => agent.call('listInterfaces', {}, deadline))).Interfaces;
}

export async function listRoutes(id: string): Promise<Route[]> {
  const { sandbox } = requireFor('network', id);
  return (await callGuest(sandbox, (agent, deadline) => agent.call('listRoutes', {}, deadline))).Routes;
}

/** Of a device that the guest has: it is found by its hardware address. */
export function updateInterface(id: string, wanted: Interface): Promise<Interface> {
  const { sandbox } = requireFor('network', id);
  return callGuest(sandbox, (agent, deadline) => agent.call('updateInterface', { interface: wanted }, deadline));
}

/** In place of all that there are. */
export async function updateRoutes(id: string, routes: readonly Route[]): Promise<Route[]> {
  const { sandbox } = requireFor('network', id);
  return (await callGuest(sandbox, (agent, deadline) => agent.call('updateRoutes', { routes: { Routes: routes } }, deadline))).Routes;
}
