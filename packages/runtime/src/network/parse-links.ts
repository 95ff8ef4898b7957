/** Parses the output of `ip -json` for a namespace to plain data, from which the VM's network is configured. Pure. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import { isLinkLocal, linkLocalOf } from '@kata-containers/common/network/link-local';

export interface Address {
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  readonly prefixLength: number;
}

/** Sysctls of a link, net.ipv6.conf.NAME (Documentation/networking/ip-sysctl.rst). */
export interface Ipv6Settings {
  readonly isDisabled: boolean;
  /** Which of `all`, `default` and `lo` have IPv6 disabled in the link's namespace. */
  readonly disabledOf: readonly string[];
  readonly acceptsAdvertisements: boolean;
}

export interface Link {
  readonly name: string;
  /** `veth`, `macvlan`, … ; empty for a physical device. */
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  /** Packets; 0 for a link without a queue. */
  readonly txQueueLength: number;
  readonly noArp: boolean;
  readonly ipv6: Ipv6Settings;
  /** Other sysctls of the link that do not have the value of a new link, by names such as `ipv4/conf/rp_filter`; missing when there are none. */
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly addresses: readonly Address[];
}

/** One gateway of a multipath route. */
export interface NextHop {
  /** An IPv4 route may have an IPv6 gateway. */
  readonly gateway: string;
  readonly device: string;
  /** 1 to 256. */
  readonly weight: number;
  /** RTNH_F_ONLINK or 0. */
  readonly flags: number;
}

export interface Route {
  readonly family: 'inet' | 'inet6';
  /** Prefix; empty for the default route, or 0.0.0.0/0 if its gateway is an IPv6 address: the prefix determines the family. */
  readonly destination: string;
  /** An IPv4 route may have an IPv6 gateway. */
  readonly gateway: string;
  readonly device: string;
  readonly source: string;
  /** RT_SCOPE_*, rtnetlink(7). */
  readonly scope: number;
  /** RTNH_F_ONLINK or 0: the gateway is reachable though no prefix of the link contains it. */
  readonly flags: number;
  /** The metric, or 0. */
  readonly priority: number;
  /** Bytes, or 0. */
  readonly mtu: number;
  /** RTN_*. */
  readonly type: number;
  /** RT_TABLE_*; missing for the main table. */
  readonly table?: number;
  /** Instead of gateway and device; missing for a route with at most one gateway. */
  readonly nextHops?: readonly NextHop[];
}

export interface Neighbour {
  readonly address: string;
  readonly device: string;
  readonly mac: string;
}

/** The fields of `ip -details -json address show` that are used. */
export interface IpAddressRow {
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly address?: string;
  readonly mtu?: number;
  readonly txqlen?: number;
  readonly flags?: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly { readonly family: string; readonly local?: string; readonly prefixlen: number; readonly scope: string }[];
}

/** Instead of `gateway`: a gateway of the other family. */
interface IpVia {
  readonly family: string;
  readonly host: string;
}

export interface IpRouteRow {
  readonly dst: string;
  readonly gateway?: string;
  readonly via?: IpVia;
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly scope?: string;
  readonly protocol?: string;
  readonly flags?: readonly string[];
  readonly metric?: number;
  readonly metrics?: readonly { readonly mtu?: number }[];
  readonly type?: string;
  readonly table?: string;
  readonly nexthops?: readonly {
    readonly gateway?: string;
    readonly via?: IpVia;
    readonly dev?: string;
    readonly weight?: number;
    readonly flags?: readonly string[];
  }[];
}

export interface IpNeighbourRow {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state?: readonly string[];
}

/** Kinds of links whose traffic tc can move to a tap. */
const joinable = new Set(['veth', 'macvlan', 'ipvlan', 'vlan', 'bridge', 'dummy']);

function addressesOf(row: IpAddressRow): Address[] {
  return (row.addr_info ?? []).flatMap(({ family, local, prefixlen }): Address[] =>
    local !== undefined && (family === 'inet' || family === 'inet6') ? [{ family, address: local, prefixLength: prefixlen }] : [],
  );
}

/** Whether the guest's kernel adds the address by itself. On the host it may appear later than the link's other addresses. */
export const isGenerated = ({ mac }: Pick<Link, 'mac'>, { address }: Address): boolean => address === linkLocalOf(mac);

/** Links with an address that is not link-local by IPv6, without loopback, sorted by name. @throws KataError for a kind that cannot be connected to a VM */
export function parseLinks(rows: readonly IpAddressRow[], settingsOf: (name: string) => Pick<Link, 'ipv6' | 'sysctls'>): Link[] {
  const links = rows.flatMap((row): Link[] => {
    const addresses = addressesOf(row);
    const flags = row.flags ?? [];
    if (row.ifname === undefined || flags.includes('LOOPBACK') || addresses.every(({ address }) => isLinkLocal(address))) return [];
    const kind = row.linkinfo?.info_kind ?? '';
    if (!joinable.has(kind))
      throw new KataError(`Unsupported network interface: ${row.ifname} is of type ${kind === '' ? 'physical' : kind}`);
    const { ifname: name, address: mac = '', mtu = 1500, txqlen: txQueueLength = 0 } = row;
    return [{ name, kind, mac, mtu, txQueueLength, noArp: flags.includes('NOARP'), ...settingsOf(name), addresses }];
  });
  return links.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Indexes of all links, by name. */
export const linkNumbers = (rows: readonly IpAddressRow[]): Record<string, number> =>
  Object.fromEntries(rows.flatMap(({ ifname, ifindex }) => (ifname === undefined || ifindex === undefined ? [] : [[ifname, ifindex]])));

const scopes: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

const RTNH_F_ONLINK = 4;
/** Types of routes by number. */
const kinds: Readonly<Record<string, number>> = { unicast: 1, local: 2, blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 };
/** Types of routes that have a link. The others refuse packets, or continue with the next rule. */
const kindsWithLink: readonly number[] = [1, 2];

/** `text`: a name, or its number with ip's option -Numeric. */
function numberOf(names: Readonly<Record<string, number>>, text: string): number | undefined {
  const number = names[text] ?? Number(text);
  return Object.values(names).includes(number) ? number : undefined;
}

const onlink = (flags: readonly string[] | undefined): number => (flags?.includes('onlink') === true ? RTNH_F_ONLINK : 0);

const gatewayOf = ({ gateway, via }: Pick<IpRouteRow, 'gateway' | 'via'>): string => gateway ?? via?.host ?? '';

/** Whether a gateway of the route is of the other family. */
const hasVia = ({ via, nexthops = [] }: IpRouteRow): boolean => via !== undefined || nexthops.some((hop) => hop.via !== undefined);

function destinationOf(row: IpRouteRow): string {
  if (row.dst !== 'default') return row.dst;
  return hasVia(row) ? '0.0.0.0/0' : '';
}

/** The gateways of a multipath route that are reached over `devices`. */
function nextHopsOf({ nexthops = [] }: IpRouteRow, devices: ReadonlySet<string>): NextHop[] {
  return nexthops.flatMap(({ dev = '', weight = 1, flags, ...hop }) =>
    devices.has(dev) ? [{ gateway: gatewayOf(hop), device: dev, weight, flags: onlink(flags) }] : [],
  );
}

/** RTPROT_KERNEL. */
const KERNEL: readonly (string | undefined)[] = ['kernel', '2'];

const isOfKernel = ({ protocol }: IpRouteRow): boolean => KERNEL.includes(protocol);

/** Routes with the same place are used in the order in which ip prints them. */
const placeOf = ({ dst, metric = 0, table = '' }: IpRouteRow): string => `${dst} ${metric} ${table}`;

/**
 * Routes over `devices`, and routes that refuse packets, without the routes that the guest's kernel creates from addresses. One of these
 * is returned if it shares its place with other routes: the guest must have them in the same order.
 */
export function parseRoutes(rows: readonly IpRouteRow[], family: Route['family'], devices: ReadonlySet<string>): Route[] {
  const places = new Set(rows.filter((row) => !isOfKernel(row)).map(placeOf));
  return rows.flatMap((row): Route[] => {
    const type = numberOf(kinds, row.type ?? 'unicast');
    if ((isOfKernel(row) && !places.has(placeOf(row))) || type === undefined) return [];
    const nextHops = nextHopsOf(row, devices);
    const device = kindsWithLink.includes(type) && nextHops.length === 0 ? row.dev : '';
    if (device === undefined || (device !== '' && !devices.has(device))) return [];
    return [
      {
        family,
        destination: destinationOf(row),
        gateway: gatewayOf(row),
        device,
        source: row.prefsrc ?? '',
        scope: numberOf(scopes, row.scope ?? 'global') ?? 0,
        flags: onlink(row.flags),
        priority: row.metric ?? 0,
        mtu: row.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu ?? 0,
        type,
        ...(row.table !== undefined && { table: Number(row.table) }),
        ...(nextHops.length > 0 && { nextHops }),
      },
    ];
  });
}

/** Tables that every guest has: main, which is read separately, and local, which the kernel fills. */
const OTHER_TABLES: readonly (string | undefined)[] = ['254', '255', undefined];

/** `rows`: of `ip -Numeric -details -json route show table all`. Routes of the tables for policy rules, over `links` and the loopback. */
export function parseTables(rows: readonly IpRouteRow[], family: Route['family'], links: readonly Pick<Link, 'name'>[]): Route[] {
  const devices = new Set(['lo', ...links.map(({ name }) => name)]);
  return parseRoutes(
    rows.filter(({ table }) => !OTHER_TABLES.includes(table)),
    family,
    devices,
  );
}

/** Static neighbours only: the guest learns the others. */
export function parseNeighbours(rows: readonly IpNeighbourRow[]): Neighbour[] {
  return rows.flatMap(({ dst, dev, lladdr, state }) =>
    lladdr !== undefined && state?.includes('PERMANENT') ? [{ address: dst, device: dev, mac: lladdr }] : [],
  );
}
