/** Reads the sysctls of links. Of the main thread's namespace; a host without IPv6 does not have the files of IPv6. */
import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import type { Ipv6Settings, Link } from './parse-links.ts';

const ROOT = '/proc/sys/net';
/** Longest value that is read. Values of links are numbers and addresses. */
const MAX_VALUE = 256;

/** Directories with a directory for each link, and the link with the values that a new link gets. ARP has no `default` in a namespace. */
const KINDS = [
  ['ipv4/conf', 'default'],
  ['ipv6/conf', 'default'],
  ['ipv4/neigh', 'lo'],
  ['ipv6/neigh', 'lo'],
] as const;

/**
 * Left out: settings that the guest gets otherwise; values that the kernel computes; the seconds, ticks and packets of values that also
 * exist in milliseconds and bytes; an address, which is not read before it was set.
 */
const OTHERS = new Set([
  ...['disable_ipv6', 'accept_ra', 'mtu', 'mc_forwarding'],
  ...['base_reachable_time', 'retrans_time', 'unres_qlen', 'stable_secret'],
]);

const buffer = Buffer.alloc(MAX_VALUE);

/** undefined for a missing file. A buffer that stays makes this a fifth of the time of readFileSync, which matters for 250 files. */
function read(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, MAX_VALUE, 0)).trim();
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function keysOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const ipv6Setting = (name: string, key: string): number => Number(read(`${ROOT}/ipv6/conf/${name}/${key}`) ?? NaN);

function ipv6Of(name: string): Ipv6Settings {
  const forwards = ipv6Setting(name, 'forwarding') > 0;
  return {
    isDisabled: ipv6Setting(name, 'disable_ipv6') !== 0,
    disabledOf: linksWithoutIpv6(),
    acceptsAdvertisements: ipv6Setting(name, 'accept_ra') > (forwards ? 1 : 0),
  };
}

/** Of `all`, `default` and `lo`, those that have IPv6 off. */
export const linksWithoutIpv6 = (): string[] => ['all', 'default', 'lo'].filter((name) => ipv6Setting(name, 'disable_ipv6') === 1);

/** Values that somebody has set on the link, by names such as `ipv4/conf/rp_filter`. */
function sysctlsOf(name: string, initial: Map<string, string | undefined>): Record<string, string> {
  const initially = (path: string): string | undefined => {
    if (!initial.has(path)) initial.set(path, read(path));
    return initial.get(path);
  };
  const entries = KINDS.flatMap(([kind, other]) =>
    keysOf(`${ROOT}/${kind}/${name}`).flatMap((key): [string, string][] => {
      const value = OTHERS.has(key) ? undefined : read(`${ROOT}/${kind}/${name}/${key}`);
      return value === undefined || value === initially(`${ROOT}/${kind}/${other}/${key}`) ? [] : [[`${kind}/${key}`, value]];
    }),
  );
  return Object.fromEntries(entries);
}

/** @returns a function that reads the settings of a link */
export function linkSettings(): (name: string) => Pick<Link, 'ipv6' | 'sysctls'> {
  const initial = new Map<string, string | undefined>();
  return (name) => {
    const sysctls = sysctlsOf(name, initial);
    return { ipv6: ipv6Of(name), ...(Object.keys(sysctls).length > 0 && { sysctls }) };
  };
}
