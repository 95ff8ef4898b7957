/** The requests to the kernel for 1.x's network messages. Pure: `indexOf` finds a link's index by its name. */
import { status } from '@grpc/grpc-js';
import type { ARPNeighbor, Interface, Route } from '@kata-containers/common/generated/types';
import { GrpcError } from '../errors/grpc-error.ts';
import { parseIp, parseMac, parsePrefix } from './address-bytes.ts';
import type { IpBytes, Prefix } from './address-bytes.ts';
import type { NetworkRequest } from './route-socket.ts';
import { addAddress, linkUp, replaceNeighbour, replaceRoute } from './rtnetlink-message.ts';

const IFF_NOARP = 0x80;
/** IFNAMSIZ with its zero byte (netdevice(7)). */
const MAX_NAME = 15;

/** @throws GrpcError */
export function checkName(name: string): string {
  if (!/^[A-Za-z0-9_.:@-]+$/.test(name) || name.length > MAX_NAME)
    throw new GrpcError(status.INVALID_ARGUMENT, `invalid name of a network interface: ${JSON.stringify(name)}`);
  return name;
}

/** For a link that is down and has no addresses. */
export function interfaceRequests(current: string, index: number, wanted: Interface): NetworkRequest[] {
  const { hwAddr, IPAddresses, mtu, raw_flags } = wanted;
  const name = checkName(wanted.name === '' ? current : wanted.name);
  const change = {
    ...(hwAddr !== '' && { mac: parseMac(hwAddr) }),
    ...(mtu > 0n && { mtu: Number(mtu) }),
    ...(name !== current && { name }),
    noArp: (raw_flags & IFF_NOARP) !== 0,
  };
  return [
    { what: `interface ${name}`, message: linkUp(index, change) },
    ...IPAddresses.map(({ address, mask }) => {
      const text = `${address}/${mask}`;
      return { what: `address ${text} of ${name}`, message: addAddress(index, parsePrefix(text)) };
    }),
  ];
}

export interface RouteRequest extends NetworkRequest {
  /** Family, table, prefix and metric. Routes with the same place differ in gateway, device or other attributes; the first is used. */
  readonly place: string;
}

interface RouteAddresses {
  readonly what: string;
  readonly family: IpBytes['family'];
  readonly source: IpBytes | undefined;
  readonly gateways: readonly (IpBytes | undefined)[];
}

/** An IPv4 route can have an IPv6 gateway; an IPv6 route cannot have an IPv4 gateway. @throws GrpcError */
function checkFamilies({ what, family, source, gateways }: RouteAddresses): void {
  const isOther = (ip: IpBytes | undefined): boolean => ip !== undefined && ip.family !== family;
  if (isOther(source) || (family === 'inet6' && gateways.some(isOther)))
    throw new GrpcError(status.INVALID_ARGUMENT, `${what}: addresses of two families`);
}

/** The same key for a missing prefix and a prefix of length 0: both are the default route. */
const prefixKey = (prefix: Prefix | undefined): string => (prefix?.length ? `${prefix.bytes.toString('hex')}/${prefix.length}` : '');

function routeRequest({ dest, gateway, device, source, nextHops: hops, ...route }: Route, indexOf: (name: string) => number): RouteRequest {
  const destination = dest === '' || dest === 'default' ? undefined : parsePrefix(dest);
  const [via, from] = [gateway, source].map((text) => (text === '' ? undefined : parseIp(text)));
  const nextHops = hops.map((hop) => ({ ...hop, ...(hop.gateway !== '' && { via: parseIp(hop.gateway) }) }));
  const family = destination?.family ?? via?.family ?? from?.family ?? nextHops.find(({ via: ip }) => ip)?.via?.family ?? 'inet';
  const what = ['route to', dest || 'default', ...(gateway ? ['via', gateway] : []), ...(device ? ['by', device] : [])].join(' ');
  checkFamilies({ what, family, source: from, gateways: [via, ...nextHops.map(({ via: ip }) => ip)] });
  const message = replaceRoute({
    family,
    scope: route.scope,
    flags: route.flags,
    priority: route.priority,
    mtu: route.mtu,
    type: route.type,
    table: route.table,
    nextHops: nextHops.map(({ via: ip, device: name, weight, flags }) => ({
      link: indexOf(name),
      weight,
      flags,
      ...(ip && { gateway: ip }),
    })),
    ...(destination && { destination }),
    ...(via && { gateway: via }),
    ...(from && { source: from.bytes }),
    ...(device !== '' && { link: indexOf(device) }),
  });
  return { what, message, place: [family, route.table, prefixKey(destination), route.priority].join(' ') };
}

/**
 * Routes without a gateway come first: they make gateways reachable. Routes with the same place keep their order.
 * @throws GrpcError
 */
export function routeRequests(routes: readonly Route[], indexOf: (name: string) => number): RouteRequest[] {
  const rows = routes.map((route) => ({
    request: routeRequest(route, indexOf),
    isDirect: route.gateway === '' && route.nextHops.length === 0,
  }));
  const indirect = new Set(rows.filter(({ isDirect }) => !isDirect).map(({ request }) => request.place));
  const isFirst = ({ place }: RouteRequest): boolean => !indirect.has(place);
  const requests = rows.map(({ request }) => request);
  return [...requests.filter(isFirst), ...requests.filter((request) => !isFirst(request))];
}

/** @throws GrpcError */
export function neighbourRequests(neighbours: readonly ARPNeighbor[], indexOf: (name: string) => number): NetworkRequest[] {
  return neighbours.flatMap(({ toIPAddress, device, lladdr }) => {
    if (!toIPAddress) return [];
    const { family, bytes } = parseIp(toIPAddress.address);
    const message = replaceNeighbour(indexOf(device), family, bytes, parseMac(lladdr));
    return [{ what: `neighbour ${toIPAddress.address} of ${device}`, message }];
  });
}
