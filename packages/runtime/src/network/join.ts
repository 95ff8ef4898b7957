/** Reads a sandbox's network namespace and connects its links to taps for QEMU. */
import { writeFileSync } from 'node:fs';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { createTaps } from './create-taps.ts';
import { queryIp, runTool } from './ip-command.ts';
import { linkSettings, linksWithoutIpv6 } from './link-sysctls.ts';
import { inNetworkNamespace } from './namespace.ts';
import { isGenerated, linkNumbers, parseLinks, parseNeighbours, parseRoutes, parseTables } from './parse-links.ts';
import type { IpAddressRow, IpNeighbourRow, IpRouteRow, Link, Neighbour, Route } from './parse-links.ts';
import { isDefaultRule, parseRules } from './parse-rules.ts';
import type { IpRuleRow, Rule } from './parse-rules.ts';
import { answersBatch, isTapName, moveTapsBatch, planTcfilter, tapName } from './tcfilter-plan.ts';
import type { JoinedLink } from './tcfilter-plan.ts';
import { RESOLVER_PORT_RANGE } from './resolver-filter-plan.ts';

export interface NetworkFacts {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  /** Policy rules; missing when there are none. */
  readonly rules?: readonly Rule[];
  /** Text of each policy rule that is not copied to the guest, with the reason; missing when there are none. */
  readonly leftOutRules?: readonly string[];
  /** Names of the taps of VMs. */
  readonly taps: readonly string[];
  /** Indexes of all links by name: a link that replaced another link with the same name has another index. */
  readonly present: Readonly<Record<string, number>>;
  /** Only without links, which say this otherwise: of `all`, `default` and `lo`, those that have IPv6 off; missing when there are none. */
  readonly withoutIpv6?: readonly string[];
}

interface Policy {
  readonly rules: readonly Rule[];
  readonly leftOut: readonly string[];
  readonly routes: readonly Route[];
}

/** The rules of a family, and the routes of their tables. Tables are numbers: their names are defined by the host (rt_tables). */
async function queryPolicy(family: Route['family'], links: readonly Link[]): Promise<Policy> {
  const [rules = [], routes = []] = await queryIp(
    ['rule show', 'route show table all'],
    [family === 'inet' ? '-4' : '-6', '-Numeric', '-details'],
  );
  return { ...parseRules(rules as IpRuleRow[], family), routes: parseTables(routes as IpRouteRow[], family, links) };
}

const hasPolicy = (rules: readonly unknown[]): boolean => (rules as IpRuleRow[]).some((rule) => !isDefaultRule(rule));

/** Configuration of the namespace at `path`, without loopback. */
export function scanNetwork(path: string, kernel: Pick<Kernel, 'setns'>): Promise<NetworkFacts> {
  return inNetworkNamespace(path, kernel, async () => {
    const [addresses = [], routes4 = [], neighbours = [], rules4 = []] = await queryIp(
      ['address show', 'route show table main', 'neighbour show', 'rule show'],
      ['-details'],
    );
    const links = parseLinks(addresses as IpAddressRow[], linkSettings());
    const taps = (addresses as IpAddressRow[]).map(({ ifname = '' }) => ifname).filter(isTapName);
    const hasIpv6 = links.some((link) => link.addresses.some((address) => address.family === 'inet6' && !isGenerated(link, address)));
    const [routes6 = [], rules6 = []] = hasIpv6 ? await queryIp(['route show table main', 'rule show'], ['-6', '-details']) : [];
    const families = [...(hasPolicy(rules4) ? (['inet'] as const) : []), ...(hasPolicy(rules6) ? (['inet6'] as const) : [])];
    const policies: Policy[] = [];
    for (const family of families) policies.push(await queryPolicy(family, links));
    const [rules, leftOutRules] = [policies.flatMap((policy) => policy.rules), policies.flatMap(({ leftOut }) => leftOut)];
    const withoutIpv6 = links.length === 0 ? linksWithoutIpv6() : [];
    const devices = new Set(links.map(({ name }) => name));
    const routes = [...parseRoutes(routes4 as IpRouteRow[], 'inet', devices), ...parseRoutes(routes6 as IpRouteRow[], 'inet6', devices)];
    return {
      links,
      routes: [...routes, ...policies.flatMap((policy) => policy.routes)],
      neighbours: parseNeighbours(neighbours as IpNeighbourRow[]),
      ...(rules.length > 0 && { rules }),
      ...(leftOutRules.length > 0 && { leftOutRules }),
      taps,
      present: linkNumbers(addresses as IpAddressRow[]),
      ...(withoutIpv6.length > 0 && { withoutIpv6 }),
    };
  });
}

/** Call it in the namespace of docker's resolver. */
const setResolverPorts = (): void => writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', RESOLVER_PORT_RANGE);

/** Lets docker's resolver receive the answers of external servers over links that are already connected to taps. */
export async function keepAnswers(
  path: string,
  joined: readonly { readonly name: string; readonly tap: string }[],
  kernel: Pick<Kernel, 'setns'>,
): Promise<void> {
  if (joined.length === 0) return;
  await inNetworkNamespace(path, kernel, async () => {
    setResolverPorts();
    await runTool('tc', ['-batch', '-'], { input: answersBatch(joined) });
  });
}

export interface JoinOptions {
  /** Whether the taps must be created, or exist. */
  readonly taps: 'new' | 'existing';
  /** Docker's resolver works in the namespace. */
  readonly hasResolver: boolean;
}

type JoinCalls = Pick<Kernel, 'setns' | 'createTap'>;

async function join(path: string, joined: readonly JoinedLink[], { taps, hasResolver }: JoinOptions, kernel: JoinCalls): Promise<void> {
  const plan = planTcfilter(joined, hasResolver);
  await inNetworkNamespace(path, kernel, async () => {
    if (taps === 'new')
      createTaps(
        joined.map(({ tap }) => tap),
        kernel,
      );
    if (hasResolver) setResolverPorts();
    await runTool('ip', ['-batch', '-'], { input: plan.ipBatch });
    await runTool('tc', ['-batch', '-'], { input: plan.tcBatch });
  });
}

/** Creates a tap for one more link. */
export async function joinOne(path: string, joined: JoinedLink, hasResolver: boolean, kernel: JoinCalls): Promise<void> {
  await join(path, [joined], { taps: 'new', hasResolver }, kernel);
}

/** Redirects the traffic of each link to a tap, by two processes for any number of links. */
export async function joinLinks(path: string, links: readonly Link[], options: JoinOptions, kernel: JoinCalls): Promise<void> {
  if (links.length === 0) return;
  const joined = links.map((link, index) => ({ link, tap: tapName(index) }));
  await join(path, joined, options, kernel);
}

/** Moves taps that QEMU has open from the namespace at `from` to the namespace at `to`. */
export async function moveTaps(from: string, to: string, taps: readonly string[], kernel: Pick<Kernel, 'setns'>): Promise<void> {
  await inNetworkNamespace(from, kernel, () => runTool('ip', ['-batch', '-'], { input: moveTapsBatch(taps, to) }));
}
