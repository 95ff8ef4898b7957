/** Interfaces and routes as `kata-network` reads and prints them: the names of 1.x's Go structures (virtcontainers/pkg/types). Pure. */
import type { IPFamily } from '@kata-containers/common/generated/types';
import { Interface, Route } from '@kata-containers/common/generated/types';
import { UsageError } from '@kata-containers/common/errors/kata-error';

type Row = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0);

/** Keys are case-insensitive, as in Go's encoding/json, which writes netmon's files. */
function lookUp(row: Row): (key: string) => unknown {
  const lower = new Map(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value]));
  return (key) => lower.get(key.toLowerCase());
}

function parse(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`the ${what} is not JSON (${error instanceof Error ? error.message : ''})`);
  }
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws UsageError */
export function parseInterface(json: string): Interface {
  const row = parse(json, 'interface');
  if (!isRow(row)) throw new UsageError('the interface must be a JSON object');
  const of = lookUp(row);
  const addresses = of('IPAddresses');
  return Interface.fromPartial({
    device: text(of('Device')),
    name: text(of('Name')),
    IPAddresses: (Array.isArray(addresses) ? addresses.filter(isRow) : []).map((address) => {
      const part = lookUp(address);
      return { family: number(part('Family')) as IPFamily, address: text(part('Address')), mask: text(part('Mask')) };
    }),
    mtu: BigInt(number(of('Mtu'))),
    raw_flags: number(of('RawFlags')),
    hwAddr: text(of('HwAddr')),
    pciPath: text(of('PciPath')),
    type: text(of('LinkType')),
  });
}

/** @throws UsageError */
export function parseRouteList(json: string): Route[] {
  const rows = parse(json, 'list of routes');
  if (!Array.isArray(rows) || !rows.every(isRow)) throw new UsageError('the routes must be a JSON array of objects');
  return rows.map((row) => {
    const of = lookUp(row);
    return Route.fromPartial({
      dest: text(of('Dest')),
      gateway: text(of('Gateway')),
      device: text(of('Device')),
      source: text(of('Source')),
      scope: number(of('Scope')),
    });
  });
}

export const interfaceJson = ({ device, name, IPAddresses, mtu, raw_flags, hwAddr, pciPath, type }: Interface): object => ({
  Device: device,
  Name: name,
  IPAddresses: IPAddresses.map(({ family, address, mask }) => ({ Family: family, Address: address, Mask: mask })),
  Mtu: Number(mtu),
  RawFlags: raw_flags,
  HwAddr: hwAddr,
  PciPath: pciPath,
  LinkType: type,
});

export const routeJson = ({ dest, gateway, device, source, scope }: Route): object => ({
  Dest: dest,
  Gateway: gateway,
  Device: device,
  Source: source,
  Scope: scope,
});
