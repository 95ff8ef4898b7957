/**
 * Connects links to the VM by model tcfilter: each link gets a tap, and tc redirects every frame that arrives on one to the
 * other. Pure: the plan is the text of the batches for ip(8) and tc(8).
 */
import type { Link } from './parse-links.ts';
import { resolverFilters } from './resolver-filter-plan.ts';

export interface JoinedLink {
  readonly link: Link;
  readonly tap: string;
}

export interface TcfilterPlan {
  readonly ipBatch: string;
  readonly tcBatch: string;
}

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

const redirect = (from: string, to: string): string =>
  `filter add dev ${from} parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev ${to}`;

export const tapName = (index: number): string => `tap${index}_kata`;
export const isTapName = (name: string): boolean => /^tap\d+_kata$/.test(name);

/** Moves taps that QEMU has open to another namespace, as text for ip(8). */
export const moveTapsBatch = (taps: readonly string[], netns: string): string =>
  lines(taps.map((tap) => `link set dev ${tap} netns ${netns}`));

/** Text for tc(8). After it, docker's resolver receives answers over these connected links. */
export const answersBatch = (joined: readonly { readonly name: string; readonly tap: string }[]): string =>
  lines(joined.flatMap(({ name, tap }) => resolverFilters(name, tap)));

/** The taps exist. With `hasResolver`, docker's resolver works in the namespace. */
export function planTcfilter(joined: readonly JoinedLink[], hasResolver: boolean): TcfilterPlan {
  const ip = joined.map(({ link, tap }) => `link set dev ${tap} mtu ${link.mtu} up`);
  const tc = joined.flatMap(({ link, tap }) => [
    `qdisc add dev ${tap} ingress`,
    `qdisc add dev ${link.name} ingress`,
    ...(hasResolver ? resolverFilters(link.name, tap) : []),
    redirect(link.name, tap),
    redirect(tap, link.name),
  ]);
  return { ipBatch: lines(ip), tcBatch: lines(tc) };
}
