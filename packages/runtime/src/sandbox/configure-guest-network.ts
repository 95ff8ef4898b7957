/** Configures the guest with the addresses, routes and neighbours of the links in the sandbox's network namespace. */
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { interfaceRequest, neighboursRequest, routesRequest } from '../agent/sandbox-requests.ts';
import type { NetworkFacts } from '../network/join.ts';
import type { Link } from '../network/parse-links.ts';

/** `pciPathOf`: where the guest finds the card of that link; empty for cards that it had when it booted. @throws AgentError */
export async function configureGuestNetwork(
  agent: AgentConnection,
  { links, routes, rules = [], neighbours }: Pick<NetworkFacts, 'links' | 'routes' | 'rules' | 'neighbours'>,
  pciPathOf: (link: Link) => string = () => '',
): Promise<void> {
  for (const link of links) await agent.call('updateInterface', { interface: { ...interfaceRequest(link), pciPath: pciPathOf(link) } });
  if (routes.length + rules.length > 0) await agent.call('updateRoutes', { routes: routesRequest(routes, rules) });
  if (neighbours.length > 0) await agent.call('addARPNeighbors', { neighbors: neighboursRequest(neighbours) });
}
