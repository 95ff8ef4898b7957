/** Lines for `ip -batch`. Pure; every word that comes from the host is checked, because a blank would start another word. */
import { status } from '@grpc/grpc-js';
import type { ARPNeighbor, Interface, Route } from '@kata-containers/common/generated/types';
import { GrpcError } from '../service/grpc-error.ts';

const IFF_NOARP = 0x80;
const IPV6 = 1;

/** One word of a batch line. @throws GrpcError */
function word(text: string): string {
  if (!/^[A-Za-z0-9_.:/@%-]+$/.test(text))
    throw new GrpcError(status.INVALID_ARGUMENT, `invalid word in a network request: ${JSON.stringify(text)}`);
  return text;
}

/** A device is renamed and given new addresses while it is down. Its hardware address only changes if it was a spare one. */
export function interfaceBatch(current: string, { name, hwAddr, IPAddresses, mtu, raw_flags }: Interface): string[] {
  const target = word(name === '' ? current : name);
  const addresses = IPAddresses.map(
    ({ family, address, mask }) => `address add ${word(address)}/${word(mask)} dev ${target}${family === IPV6 ? ' nodad' : ' brd +'}`,
  );
  return [
    `link set dev ${word(current)} down`,
    ...(hwAddr === '' ? [] : [`link set dev ${current} address ${word(hwAddr)}`]),
    `address flush dev ${current}`,
    ...(target === current ? [] : [`link set dev ${current} name ${target}`]),
    ...(mtu > 0n ? [`link set dev ${target} mtu ${mtu}`] : []),
    `link set dev ${target} arp ${raw_flags & IFF_NOARP ? 'off' : 'on'} up`,
    ...addresses,
  ];
}

function routeLine({ dest, gateway, device, source, scope }: Route): string {
  // ip tells the family by the addresses.
  const parts = ['route replace', dest === '' ? 'default' : word(dest)];
  if (gateway !== '') parts.push(`via ${word(gateway)}`);
  if (device !== '') parts.push(`dev ${word(device)}`);
  if (source !== '') parts.push(`src ${word(source)}`);
  if (scope !== 0) parts.push(`scope ${scope}`);
  return parts.join(' ');
}

/** Routes without a gateway come first: they make gateways reachable. */
export function routesBatch(routes: readonly Route[]): string[] {
  const direct = routes.filter(({ gateway }) => gateway === '');
  return [...direct, ...routes.filter(({ gateway }) => gateway !== '')].map(routeLine);
}

export function neighboursBatch(neighbours: readonly ARPNeighbor[]): string[] {
  return neighbours.flatMap(({ toIPAddress, device, lladdr }) =>
    toIPAddress ? [`neighbour replace ${word(toIPAddress.address)} lladdr ${word(lladdr)} dev ${word(device)} nud permanent`] : [],
  );
}
