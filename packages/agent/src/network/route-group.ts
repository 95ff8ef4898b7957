/**
 * A group: routes with the same family, table, prefix and metric, in the order in which the kernel looks at them. A request that replaces
 * one of several routes replaces the first, so the routes behind the first are appended and removed separately.
 */
import type { RouteRequest } from './network-plan.ts';
import type { RouteSocket } from './route-socket.ts';
import { appended, deletionOf } from './rtnetlink-message.ts';

type Asks = Pick<RouteSocket, 'ask'>;
export type Group = readonly RouteRequest[];

const EEXIST = 17;

const isIn = (group: Group, { message }: RouteRequest): boolean => group.some((other) => other.message.equals(message));

/** The groups by place, in the order of their first routes; each route once. */
export function groupsOf(routes: Group): Map<string, RouteRequest[]> {
  const groups = new Map<string, RouteRequest[]>();
  for (const route of routes) {
    const group = groups.get(route.place) ?? [];
    if (!isIn(group, route)) group.push(route);
    groups.set(route.place, group);
  }
  return groups;
}

/**
 * A missing route is not an error: the kernel removes the routes of a link that goes down. Each deletion is repeated: it also matches a
 * route that has more attributes, for example an MTU.
 */
export function removeGroup(socket: Asks, group: Group): void {
  let left = group.length;
  for (const { message } of [...group].reverse()) while (left > 0 && socket.ask(deletionOf(message)) === 0) left--;
}

const append = (socket: Asks, { message }: RouteRequest): number => socket.ask(appended(message));

/** A route that the kernel refuses, with its errno. */
export interface Refusal {
  readonly what: string;
  readonly errno: number;
}

function addGroup(socket: Asks, group: Group): Refusal | undefined {
  for (const [index, route] of group.entries()) {
    // Replaces the kernel's own route to the prefix of an address, which the namespace on the host does not have.
    const errno = index === 0 ? socket.ask(route.message) : append(socket, route);
    if (errno !== 0 && (index === 0 || errno !== EEXIST)) return { what: route.what, errno };
  }
  return undefined;
}

/** Appends the new routes. @returns whether all routes of `stay` exist, in the order of `wanted`, before the new routes */
function completes(socket: Asks, stay: Group, wanted: Group): boolean {
  if (stay.length === 0) return false;
  return wanted.every((route, index) => {
    const expected = stay[index]?.message.equals(route.message) === true;
    const isNew = index >= stay.length;
    if (!expected && !isNew) return false;
    const errno = append(socket, route);
    return errno === EEXIST || (isNew && errno === 0);
  });
}

/**
 * Changes the routes of one place. A route of both groups is missing for a moment only if the order has changed or a route was lost.
 */
export function changeGroup(socket: Asks, known: Group, wanted: Group): Refusal | undefined {
  if (known.length <= 1 && wanted.length === 1) return addGroup(socket, wanted);
  const stay = known.filter((route) => isIn(wanted, route));
  for (const route of known) if (!isIn(wanted, route)) socket.ask(deletionOf(route.message));
  if (completes(socket, stay, wanted)) return undefined;
  removeGroup(socket, [...known, ...wanted.filter((route) => !isIn(known, route))]);
  return addGroup(socket, wanted);
}
