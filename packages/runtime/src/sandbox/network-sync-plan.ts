/** Plans the changes of a VM after the links of its network namespace have changed. Pure. */
import type { NetworkFacts } from '../network/join.ts';
import { isGenerated } from '../network/parse-links.ts';
import type { Link, Route } from '../network/parse-links.ts';
import type { Endpoint } from '../state/state.ts';

export interface SyncPlan {
  /** To be unplugged. */
  readonly gone: readonly Endpoint[];
  /** To be plugged. */
  readonly added: readonly Link[];
  /** Links of the VM whose address, MTU or flags the guest does not have yet. */
  readonly changed: readonly Link[];
  /** Also true for new policy rules. */
  readonly hasNewRoutes: boolean;
  readonly hasNewNeighbours: boolean;
  /** The guest's configuration after the changes. */
  readonly facts: NetworkFacts;
}

const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Without the addresses that the guest's kernel adds by itself, and without the queue length: the guest does not get it, and the kernel sets
 * it when the runtime adds a qdisc to the link.
 */
const guestPart = (link: Link | undefined): object | undefined =>
  link && { ...link, txQueueLength: 0, addresses: link.addresses.filter((address) => !isGenerated(link, address)) };

/** The facts without these links, their addresses and their routes. */
export function withoutLinks(facts: NetworkFacts, names: readonly string[]): NetworkFacts {
  if (names.length === 0) return facts;
  const { links, routes, neighbours } = facts;
  const isLeft = ({ device }: { readonly device: string }): boolean => !names.includes(device);
  const withLeftHops = (route: Route): Route[] => {
    const nextHops = route.nextHops?.filter(isLeft);
    return nextHops === undefined ? [route] : nextHops.length === 0 ? [] : [{ ...route, nextHops }];
  };
  return {
    ...facts,
    links: links.filter(({ name }) => !names.includes(name)),
    routes: routes.filter(isLeft).flatMap(withLeftHops),
    neighbours: neighbours.filter(isLeft),
  };
}

/**
 * A macvtap's link has lost its addresses, its MAC address and its routes: only its existence is compared, and the guest's
 * configuration stays, with the policy rules, which use these routes.
 */
function withTaken(endpoints: readonly Endpoint[], configured: NetworkFacts, found: NetworkFacts): NetworkFacts {
  const taken = new Set(endpoints.flatMap(({ Name, Saved }) => (Saved && found.present[Name] !== undefined ? [Name] : [])));
  if (taken.size === 0) return found;
  const isTaken = ({ device, nextHops = [] }: Route): boolean => taken.has(device) || nextHops.some((hop) => taken.has(hop.device));
  const { rules: _, ...others } = found;
  return {
    ...others,
    ...(configured.rules && { rules: configured.rules }),
    links: [...configured.links.filter(({ name }) => taken.has(name)), ...found.links.filter(({ name }) => !taken.has(name))],
    routes: [...configured.routes.filter(isTaken), ...found.routes.filter((route) => !isTaken(route))],
    neighbours: [
      ...configured.neighbours.filter(({ device }) => taken.has(device)),
      ...found.neighbours.filter(({ device }) => !taken.has(device)),
    ],
  };
}

/**
 * A link that was replaced by another link with its name, or has another MAC address, gets a new device.
 * @param configured the network configuration of the guest
 */
export function planSync(endpoints: readonly Endpoint[], configured: NetworkFacts, found: NetworkFacts): SyncPlan {
  const facts = withTaken(endpoints, configured, found);
  const linkOf = (name: string): Link | undefined => facts.links.find((link) => link.name === name);
  const isSame = ({ Name, HardAddr }: Endpoint): boolean =>
    linkOf(Name)?.mac === HardAddr && [undefined, facts.present[Name]].includes(configured.present[Name]);
  const gone = endpoints.filter((endpoint) => !isSame(endpoint));
  const kept = new Set(endpoints.filter(isSame).map(({ Name }) => Name));
  const added = facts.links.filter(({ name }) => !kept.has(name));
  const configuredAs = (name: string): Link | undefined => configured.links.find((link) => link.name === name);
  const changed = facts.links.filter((link) => kept.has(link.name) && !equal(guestPart(link), guestPart(configuredAs(link.name))));
  // The routes of a device are lost when it is removed or reconfigured.
  const isAnyNew = gone.length + added.length + changed.length > 0;
  return {
    gone,
    added,
    changed,
    hasNewRoutes: isAnyNew || !equal([facts.routes, facts.rules], [configured.routes, configured.rules]),
    hasNewNeighbours: isAnyNew || !equal(facts.neighbours, configured.neighbours),
    facts,
  };
}
