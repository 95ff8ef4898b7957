/**
 * Requests to the kernel about links, addresses, routes and neighbours, and its answers (netlink(7), rtnetlink(7)). Numbers are in
 * host byte order, addresses in network byte order.
 */
import type { IpBytes, Prefix } from './address-bytes.ts';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
export const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_NEWNEIGH = 28;

const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;

export const families = { inet: 2, inet6: 10 } as const;
const HEADER_BYTES = 16;
const align = (length: number): number => (length + 3) & ~3;

export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** An attribute: its number and its value. */
export type Attribute = readonly [type: number, value: Buffer];

/** Attributes, padded to four bytes each. */
function encode(attributes: readonly Attribute[]): Buffer {
  const parts = attributes.flatMap(([number, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(4 + value.length, 0);
    head.writeUInt16LE(number, 2);
    return [head, value, Buffer.alloc(align(value.length) - value.length)];
  });
  return Buffer.concat(parts);
}

/** Header, a fixed part, and attributes. */
export function request(type: number, flags: number, fixed: Buffer, attributes: readonly Attribute[] = []): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const message = Buffer.concat([header, fixed, encode(attributes)]);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  return message;
}

/** The message that removes what `addition` adds: its type is the type of the addition plus one. */
export function deletionOf(addition: Buffer): Buffer {
  const deletion = Buffer.from(addition);
  deletion.writeUInt16LE(addition.readUInt16LE(4) + 1, 4);
  deletion.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK, 6);
  return deletion;
}

/** The request of `replaceRoute` as a request that adds the route behind the other routes of its destination and metric. */
export function appended(replacement: Buffer): Buffer {
  const addition = Buffer.from(replacement);
  addition.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, 6);
  return addition;
}

const IFF_UP = 0x1;
const IFF_NOARP = 0x80;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;

/** struct ifinfomsg. `change` is the mask of the flags to change. */
function linkInfo(index: number, flags: number, change: number): Buffer {
  return Buffer.concat([Buffer.alloc(4), integer(index), integer(flags), integer(change)]);
}

export const linkDown = (index: number): Buffer => request(RTM_NEWLINK, NLM_F_ACK, linkInfo(index, 0, IFF_UP));

/** For a link that is down. */
export const renameLink = (index: number, name: string): Buffer =>
  request(RTM_NEWLINK, NLM_F_ACK, linkInfo(index, 0, 0), [[IFLA_IFNAME, Buffer.from(`${name}\0`)]]);

export interface LinkChange {
  readonly name?: string;
  readonly mac?: Buffer;
  readonly mtu?: number;
  readonly noArp: boolean;
}

/** Changes a link that is down, and brings it up. */
export function linkUp(index: number, { name, mac, mtu, noArp }: LinkChange): Buffer {
  const attributes: Attribute[] = [];
  if (mac) attributes.push([IFLA_ADDRESS, mac]);
  if (mtu !== undefined) attributes.push([IFLA_MTU, integer(mtu)]);
  if (name !== undefined) attributes.push([IFLA_IFNAME, Buffer.from(`${name}\0`)]);
  return request(RTM_NEWLINK, NLM_F_ACK, linkInfo(index, noArp ? IFF_UP | IFF_NOARP : IFF_UP, IFF_UP | IFF_NOARP), attributes);
}

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 0x02;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;

/** The broadcast address of a network; networks of one or two addresses have none. */
function broadcastOf({ bytes, length }: Prefix): Buffer | undefined {
  if (length > 30) return undefined;
  const last = Buffer.alloc(4);
  last.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> length)) >>> 0);
  return last;
}

/** IPv6 addresses are used without duplicate address detection: the engine has made sure that they are unique. */
export function addAddress(index: number, prefix: Prefix): Buffer {
  const { family, bytes, length } = prefix;
  const isLoopback = family === 'inet' && bytes[0] === 127;
  const flags = family === 'inet6' ? IFA_F_NODAD : 0;
  const head = Buffer.from([families[family], length, flags, isLoopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE]);
  const broadcast = family === 'inet' ? broadcastOf(prefix) : undefined;
  return request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, Buffer.concat([head, integer(index)]), [
    [IFA_LOCAL, bytes],
    [IFA_ADDRESS, bytes],
    ...(broadcast ? [[IFA_BROADCAST, broadcast] as const] : []),
  ]);
}

/** Asks for all addresses of all links. */
export const listAddresses = (): Buffer => request(RTM_GETADDR, NLM_F_DUMP, Buffer.alloc(8));

/** Removes an address that the kernel reported in `payload`. */
export const deleteAddress = (payload: Buffer): Buffer => request(RTM_DELADDR, NLM_F_ACK, payload);

/** Index of the link that an address in an answer belongs to. */
export const linkOfAddress = (payload: Buffer): number => payload.readUInt32LE(4);

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTAX_MTU = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;

export interface RouteChange {
  readonly family: keyof typeof families;
  /** undefined for the default route. */
  readonly destination?: Prefix;
  /** An IPv4 route may have an IPv6 gateway. */
  readonly gateway?: IpBytes;
  readonly source?: Buffer;
  readonly link?: number;
  /** 0 for the default: link scope without a gateway, universe with one. */
  readonly scope: number;
  /** RTNH_F_*, such as onlink. */
  readonly flags: number;
  /** The metric; 0 for the kernel's choice. */
  readonly priority: number;
  /** Bytes; 0 for the MTU of the link. */
  readonly mtu: number;
  /** RTN_*; 0 for unicast. */
  readonly type: number;
  /** Instead of gateway and link. */
  readonly nextHops: readonly NextHop[];
  /** RT_TABLE_*; 0 for the main table. */
  readonly table: number;
}

export interface NextHop {
  readonly gateway?: IpBytes;
  readonly link: number;
  /** 1 to 256. */
  readonly weight: number;
  /** RTNH_F_*. */
  readonly flags: number;
}

/** The byte for the table in the fixed part of a message: a number above 255 is in an attribute. */
export const tableByte = (table: number): number => (table < 256 ? table : 0);

/** A gateway of the other family has a struct rtvia: its family and its address. */
function gatewayAttribute(family: keyof typeof families, gateway: IpBytes): Attribute {
  if (gateway.family === family) return [RTA_GATEWAY, gateway.bytes];
  return [RTA_VIA, Buffer.concat([Buffer.from([families[gateway.family], 0]), gateway.bytes])];
}

/** struct rtnexthop with its attributes. */
function nextHop(family: keyof typeof families, { gateway, link, weight, flags }: NextHop): Buffer {
  const attributes = encode(gateway ? [gatewayAttribute(family, gateway)] : []);
  const head = Buffer.alloc(8);
  head.writeUInt16LE(head.length + attributes.length, 0);
  head.writeUInt8(flags & 0xff, 2);
  head.writeUInt8((Math.max(1, weight) - 1) & 0xff, 3);
  head.writeInt32LE(link, 4);
  return Buffer.concat([head, attributes]);
}

export function replaceRoute({
  family,
  destination,
  gateway,
  source,
  link,
  scope,
  flags,
  priority,
  mtu,
  type,
  nextHops,
  table,
}: RouteChange): Buffer {
  const isUnicast = type === 0 || type === RTN_UNICAST;
  const usual = gateway || nextHops.some((hop) => hop.gateway) || !isUnicast ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  const scopes = [table === 0 ? RT_TABLE_MAIN : tableByte(table), RTPROT_BOOT, scope === 0 ? usual : scope, isUnicast ? RTN_UNICAST : type];
  const fixed = Buffer.concat([Buffer.from([families[family], destination?.length ?? 0, 0, 0, ...scopes]), integer(flags)]);
  const attributes: Attribute[] = [];
  if (destination) attributes.push([RTA_DST, destination.bytes]);
  if (gateway) attributes.push(gatewayAttribute(family, gateway));
  if (source) attributes.push([RTA_PREFSRC, source]);
  if (link !== undefined) attributes.push([RTA_OIF, integer(link)]);
  if (nextHops.length > 0) attributes.push([RTA_MULTIPATH, Buffer.concat(nextHops.map((hop) => nextHop(family, hop)))]);
  if (priority > 0) attributes.push([RTA_PRIORITY, integer(priority)]);
  if (mtu > 0) attributes.push([RTA_METRICS, encode([[RTAX_MTU, integer(mtu)]])]);
  if (table > 0) attributes.push([RTA_TABLE, integer(table)]);
  return request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, fixed, attributes);
}

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;

export function replaceNeighbour(link: number, family: keyof typeof families, address: Buffer, mac: Buffer): Buffer {
  const fixed = Buffer.concat([Buffer.from([families[family], 0, 0, 0]), integer(link), Buffer.from([NUD_PERMANENT, 0, 0, 0])]);
  return request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, fixed, [
    [NDA_DST, address],
    [NDA_LLADDR, mac],
  ]);
}

/** One message of an answer. */
export type NetlinkReply =
  /** `errno` is 0 when the request was carried out. */
  | { readonly kind: 'result'; readonly errno: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'row'; readonly type: number; readonly payload: Buffer };

/** The messages that one read(2) returned. */
export function parseReplies(bytes: Buffer): NetlinkReply[] {
  const answers: NetlinkReply[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 4);
    const payload = bytes.subarray(at + HEADER_BYTES, at + length);
    if (type === NLMSG_ERROR) answers.push({ kind: 'result', errno: -payload.readInt32LE(0) });
    else answers.push(type === NLMSG_DONE ? { kind: 'done' } : { kind: 'row', type, payload });
    at += align(length);
  }
  return answers;
}
