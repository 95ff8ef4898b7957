/** Converts the output of `ip -json` to 1.x's messages. Pure. */
import type { IPAddress, Interface, Route } from '@kata-containers/common/generated/types';

/** Numbers of the scopes that ip names (rtnetlink(7), RT_SCOPE_*). */
const scopes: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

const RTNH_F_ONLINK = 4;

type Row = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const rows = (value: unknown): Row[] => (Array.isArray(value) ? (value as Row[]) : []);

function address({ family, local, prefixlen }: Row): IPAddress {
  return { family: family === 'inet6' ? 1 : 0, address: text(local), mask: String(prefixlen) };
}

/** Of `ip -json address show`. */
export function parseInterfaces(json: string): Interface[] {
  return rows(JSON.parse(json)).map((link) => ({
    device: text(link['ifname']),
    name: text(link['ifname']),
    IPAddresses: rows(link['addr_info']).map(address),
    mtu: BigInt(Number(link['mtu'] ?? 0)),
    hwAddr: text(link['address']),
    pciPath: '',
    type: '',
    raw_flags: 0,
    no_ipv6: false,
    no_ipv6_of: [],
    accept_ra: false,
    sysctls: {},
  }));
}

/** Of `ip -json route show`. A default route has no destination in the messages. */
export function parseRoutes(json: string): Route[] {
  return rows(JSON.parse(json)).map((route) => ({
    dest: route['dst'] === 'default' ? '' : text(route['dst']),
    gateway: text(route['gateway']) || text((route['via'] as Row | undefined)?.['host']),
    device: text(route['dev']),
    source: text(route['prefsrc']),
    scope: scopes[text(route['scope'])] ?? Number(route['scope'] ?? 0),
    flags: rows(route['flags']).some((flag: unknown) => flag === 'onlink') ? RTNH_F_ONLINK : 0,
    priority: Number(route['metric'] ?? 0),
    mtu: Number(rows(route['metrics'])[0]?.['mtu'] ?? 0),
    type: 0,
    nextHops: [],
    table: 0,
  }));
}
