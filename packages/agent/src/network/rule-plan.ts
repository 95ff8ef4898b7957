/** The requests to the kernel for policy rules (rtnetlink(7), linux/fib_rules.h). Pure. */
import { status } from '@grpc/grpc-js';
import { IPFamily } from '@kata-containers/common/generated/types';
import type { NumberRange, Rule } from '@kata-containers/common/generated/types';
import { GrpcError } from '../errors/grpc-error.ts';
import { parsePrefix } from './address-bytes.ts';
import type { Prefix } from './address-bytes.ts';
import { checkName } from './network-plan.ts';
import type { NetworkRequest } from './route-socket.ts';
import { NLM_F_ACK, NLM_F_CREATE, families, integer, request, tableByte } from './rtnetlink-message.ts';
import type { Attribute } from './rtnetlink-message.ts';

const RTM_NEWRULE = 32;
const FIB_RULE_INVERT = 2;
const FR_ACT_TO_TABLE = 1;
const FR_ACT_GOTO = 2;
/** FR_ACT_TO_TBL, _GOTO, _NOP, _BLACKHOLE, _UNREACHABLE, _PROHIBIT. */
const ACTIONS: readonly number[] = [FR_ACT_TO_TABLE, FR_ACT_GOTO, 3, 6, 7, 8];

const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_GOTO = 4;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_UID_RANGE = 20;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;

const refuse = (what: string): GrpcError => new GrpcError(status.INVALID_ARGUMENT, `invalid ${what} in a policy rule`);

/** @throws GrpcError */
function upTo(limit: number, value: number, what: string): number {
  if (value > limit) throw refuse(`${what} (${value})`);
  return value;
}

/** @throws GrpcError */
function prefixOf(text: string, family: Prefix['family']): Prefix | undefined {
  if (text === '') return undefined;
  const prefix = parsePrefix(text);
  if (prefix.family !== family) throw refuse(`address ${text}: another family`);
  return prefix;
}

/** @throws GrpcError */
function portsOf({ start, end }: NumberRange): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(upTo(0xffff, start, 'port'), 0);
  bytes.writeUInt16LE(upTo(0xffff, end, 'port'), 2);
  return bytes;
}

const nameOf = (name: string): Buffer => Buffer.from(`${checkName(name)}\0`);

/** @throws GrpcError */
function selectorsOf(rule: Rule): Attribute[] {
  const { mark, mask, inputDevice, outputDevice, protocol, sourcePorts, destinationPorts, uids } = rule;
  const attributes: Attribute[] = [];
  if (inputDevice !== '') attributes.push([FRA_IIFNAME, nameOf(inputDevice)]);
  if (outputDevice !== '') attributes.push([FRA_OIFNAME, nameOf(outputDevice)]);
  if (mark !== 0 || mask !== 0) attributes.push([FRA_FWMARK, integer(mark)], [FRA_FWMASK, integer(mask)]);
  if (protocol !== 0) attributes.push([FRA_IP_PROTO, Buffer.from([upTo(0xff, protocol, 'protocol')])]);
  if (sourcePorts) attributes.push([FRA_SPORT_RANGE, portsOf(sourcePorts)]);
  if (destinationPorts) attributes.push([FRA_DPORT_RANGE, portsOf(destinationPorts)]);
  if (uids) attributes.push([FRA_UID_RANGE, Buffer.concat([integer(uids.start), integer(uids.end)])]);
  return attributes;
}

/** struct fib_rule_hdr. */
function head(rule: Rule, source: Prefix | undefined, destination: Prefix | undefined): Buffer {
  const { tos, table, action, isInverted } = rule;
  const family = families[rule.family === IPFamily.v6 ? 'inet6' : 'inet'];
  const bytes = [family, destination?.length ?? 0, source?.length ?? 0, upTo(0xff, tos, 'TOS'), tableByte(table), 0, 0, action];
  return Buffer.concat([Buffer.from(bytes), integer(isInverted ? FIB_RULE_INVERT : 0)]);
}

export interface RuleRequest extends NetworkRequest {
  /** Family and priority. */
  readonly place: string;
}

/** @throws GrpcError */
export function ruleRequest(rule: Rule): RuleRequest {
  const { priority, action, table, suppressPrefixLength } = rule;
  if (!ACTIONS.includes(action)) throw refuse(`action (${action})`);
  if (action === FR_ACT_TO_TABLE && table === 0) throw refuse('table (0)');
  const family = rule.family === IPFamily.v6 ? 'inet6' : 'inet';
  const [source, destination] = [prefixOf(rule.source, family), prefixOf(rule.destination, family)];
  const attributes: Attribute[] = [[FRA_PRIORITY, integer(priority)], ...selectorsOf(rule)];
  if (source) attributes.push([FRA_SRC, source.bytes]);
  if (destination) attributes.push([FRA_DST, destination.bytes]);
  if (table !== 0) attributes.push([FRA_TABLE, integer(table)]);
  if (action === FR_ACT_GOTO) attributes.push([FRA_GOTO, integer(rule.goto)]);
  if (suppressPrefixLength !== undefined) attributes.push([FRA_SUPPRESS_PREFIXLEN, integer(suppressPrefixLength)]);
  const message = request(RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE, head(rule, source, destination), attributes);
  return { what: `policy rule with priority ${priority}`, message, place: `${family} ${priority}` };
}
