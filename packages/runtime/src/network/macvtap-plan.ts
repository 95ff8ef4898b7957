/**
 * Connects links to the VM by model macvtap: a macvtap in bridge mode gets each link's hardware address, and with it the link's frames;
 * QEMU gets it as an open fd. The link's own addresses are removed; otherwise the host's kernel would answer instead of the guest.
 * Pure: the plan is text for ip(8).
 */
import type { QemuNetwork } from '../hypervisor/qemu/qemu-plan.ts';
import type { Address, Link } from './parse-links.ts';
import { tapName } from './tcfilter-plan.ts';

/** As in 1.x, ipvlan is always connected by tcfilter: its links share one hardware address, and cannot be parents of a macvtap. */
export const isMacvtap = (model: string, { kind }: Pick<Link, 'kind'>): boolean => model === 'macvtap' && kind !== 'ipvlan';

/**
 * With macvtap the namespace has no address, so docker's resolver in the namespace could not query external servers: such links are
 * connected by tcfilter.
 */
export const modelBeside = (model: string, hasResolver: boolean): string => (hasResolver && model === 'macvtap' ? 'tcfilter' : model);

/** One device for each link. */
export const planNetworks = (links: readonly Link[], model: string): QemuNetwork[] =>
  links.map((link, index) => ({ tap: tapName(index), mac: link.mac, ...(isMacvtap(model, link) && { macvtap: true }) }));

/** State of a link before it was connected. */
export interface SavedLink {
  readonly name: string;
  readonly mac: string;
  /** In the syntax of ip(8): address/length. */
  readonly addresses: readonly string[];
}

const addressText = ({ address, prefixLength }: Address): string => `${address}/${prefixLength}`;
export const savedLink = ({ name, mac, addresses }: Link): SavedLink => ({ name, mac, addresses: addresses.map(addressText) });

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

/** 1.x's range for the interface index, which is part of the device's name: /dev/tapN is shared by all network namespaces. */
const FIRST_INDEX = 8192;
/** `random`: 16 bits. */
export const macvtapIndex = (random: number): number => FIRST_INDEX + (random & 0xffff);

/** A locally administered address for one host (IEEE 802). `random`: 6 bytes. */
export const localMac = (random: Uint8Array): string =>
  [...random].map((byte, index) => (index === 0 ? (byte | 2) & 0xfe : byte).toString(16).padStart(2, '0')).join(':');

/** Queue length for a link without one (1.x's). */
const QUEUE_LENGTH = 1500;

export interface MacvtapStep {
  readonly link: Link;
  readonly tap: string;
  /** Number that the interface gets. */
  readonly index: number;
  /** New hardware address of the link. */
  readonly linkMac: string;
}

/** The link's address is removed first: two interfaces with one address on the same link cannot be up. */
export const macvtapBatch = ({ link, tap, index, linkMac }: MacvtapStep): string =>
  lines([
    `address flush dev ${link.name}`,
    `link set dev ${link.name} address ${linkMac}`,
    `link add link ${link.name} name ${tap} index ${index} address ${link.mac} mtu ${link.mtu} txqueuelen ${link.txQueueLength || QUEUE_LENGTH} type macvtap mode bridge`,
    `link set dev ${tap} up`,
    `link set dev ${link.name} up`,
  ]);

/** Call it after the macvtap of the link was removed. */
export const restoreBatch = ({ name, mac, addresses }: SavedLink): string =>
  lines([`link set dev ${name} address ${mac}`, ...addresses.map((address) => `address add ${address} dev ${name}`)]);
