/** Parses the policy rules of a network namespace (ip-rule(8)) to plain data. Pure. */

/** Both ends are included. */
export interface NumberRange {
  readonly start: number;
  readonly end: number;
}

/** A policy rule that a guest can have. A missing selector matches everything. */
export interface Rule {
  readonly family: 'inet' | 'inet6';
  readonly priority: number;
  /** FR_ACT_* of linux/fib_rules.h: 1 uses `table`, 2 continues with the rule `goto`, 3 does nothing, 6 to 8 refuse packets. */
  readonly action: number;
  readonly table?: number;
  readonly goto?: number;
  /** The rule matches the packets that the selectors do not match. */
  readonly isInverted?: boolean;
  /** Prefixes. */
  readonly source?: string;
  readonly destination?: string;
  readonly tos?: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly inputDevice?: string;
  readonly outputDevice?: string;
  /** Number of an IP protocol. */
  readonly protocol?: number;
  readonly sourcePorts?: NumberRange;
  readonly destinationPorts?: NumberRange;
  readonly uids?: NumberRange;
  /** Routes of `table` whose prefix has at most this length are not used. */
  readonly suppressPrefixLength?: number;
}

export interface ParsedRules {
  readonly rules: readonly Rule[];
  /** Text of each rule that a guest cannot have, with the reason. */
  readonly leftOut: readonly string[];
}

/** A rule of `ip -json rule show`. Each selector of the rule is a key. */
export type IpRuleRow = Readonly<Record<string, string | number | null | undefined>>;

/** Keys of the rules that every namespace has. */
const PLAIN: readonly string[] = ['priority', 'src', 'table', 'protocol'];
/** Tables of the rules that every namespace has, by priority: name and number. */
const OWN_TABLES: Readonly<Record<number, readonly string[]>> = {
  0: ['local', '255'],
  32766: ['main', '254'],
  32767: ['default', '253'],
};

/** True for a rule that the kernel creates in every namespace. `row`: with or without ip's option -Numeric. */
export function isDefaultRule(row: IpRuleRow): boolean {
  const tables = OWN_TABLES[Number(row['priority'] ?? 0)] ?? [];
  return Object.keys(row).every((key) => PLAIN.includes(key)) && row['src'] === 'all' && tables.includes(String(row['table']));
}

/** Keys that a rule is made of, and keys that do not change the effect of a rule. */
const KNOWN: ReadonlySet<string> = new Set([
  ...[...PLAIN, 'action', 'goto', 'nop', 'not', 'srclen', 'dst', 'dstlen', 'tos', 'fwmark', 'fwmask', 'iif', 'oif', 'ipproto'],
  ...['sport', 'sport_start', 'sport_end', 'dport', 'dport_start', 'dport_end', 'uid_start', 'uid_end', 'suppress_prefixlen'],
  ...['iif_detached', 'oif_detached', 'unresolved'],
]);

const FR_ACT_TO_TABLE = 1;
const FR_ACT_GOTO = 2;
const FR_ACT_NOP = 3;
const EVERY_BIT = 0xffffffff;

const textOf = (value: IpRuleRow[string]): string | undefined => (typeof value === 'string' ? value : undefined);

/** A number, the number at the end of a text (`ipproto-6`), or a hexadecimal number. */
function numberOf(value: IpRuleRow[string]): number | undefined {
  if (typeof value !== 'string') return value ?? undefined;
  return Number(value.startsWith('0x') ? value : /\d+$/.exec(value)?.[0]);
}

function rangeOf(first: IpRuleRow[string], last: IpRuleRow[string]): NumberRange | undefined {
  const [start, end] = [numberOf(first), numberOf(last)];
  return start === undefined || end === undefined ? undefined : { start, end };
}

function prefixOf(address: IpRuleRow[string], length: IpRuleRow[string]): string | undefined {
  if (typeof address !== 'string' || address === 'all') return undefined;
  return length === undefined ? address : `${address}/${length}`;
}

function markOf({ fwmark, fwmask }: IpRuleRow): Rule['mark'] {
  const value = numberOf(fwmark);
  return value === undefined ? undefined : { value, mask: numberOf(fwmask) ?? EVERY_BIT };
}

function actionOf({ goto, nop, action }: IpRuleRow): number {
  if (goto !== undefined) return FR_ACT_GOTO;
  return nop === undefined ? (numberOf(action) ?? FR_ACT_TO_TABLE) : FR_ACT_NOP;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const given = <T extends object>(values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;

function ruleOf(row: IpRuleRow, family: Rule['family']): Rule {
  return {
    family,
    priority: numberOf(row['priority']) ?? 0,
    action: actionOf(row),
    ...given({
      table: numberOf(row['table']),
      goto: numberOf(row['goto']),
      isInverted: row['not'] === undefined ? undefined : true,
      source: prefixOf(row['src'], row['srclen']),
      destination: prefixOf(row['dst'], row['dstlen']),
      tos: numberOf(row['tos']),
      mark: markOf(row),
      inputDevice: textOf(row['iif']),
      outputDevice: textOf(row['oif']),
      protocol: numberOf(row['ipproto']),
      sourcePorts: rangeOf(row['sport_start'] ?? row['sport'], row['sport_end'] ?? row['sport']),
      destinationPorts: rangeOf(row['dport_start'] ?? row['dport'], row['dport_end'] ?? row['dport']),
      uids: rangeOf(row['uid_start'], row['uid_end']),
      suppressPrefixLength: numberOf(row['suppress_prefixlen']),
    }),
  };
}

/** Rules that use a VRF device, a tunnel's id, a group of links or realms: a guest has none of these. */
function leftOutText(row: IpRuleRow, unknown: readonly string[]): string {
  const { priority, src = 'all', srclen, dst, dstlen } = row;
  const to = dst === undefined ? '' : ` to ${prefixOf(dst, dstlen)}`;
  const what = unknown.map((key) => (row[key] === null ? key : `${key} ${row[key]}`)).join(' ');
  return `${priority ?? 0}: from ${prefixOf(src, srclen) ?? 'all'}${to} ${what}`;
}

/** `rows`: of `ip -Numeric -details -json rule show`. The result does not contain the rules that every namespace has. */
export function parseRules(rows: readonly IpRuleRow[], family: Rule['family']): ParsedRules {
  const [rules, leftOut]: [Rule[], string[]] = [[], []];
  for (const row of rows.filter((candidate) => !isDefaultRule(candidate))) {
    const unknown = Object.keys(row).filter((key) => !KNOWN.has(key));
    if (unknown.length > 0) leftOut.push(leftOutText(row, unknown));
    else rules.push(ruleOf(row, family));
  }
  return { rules, leftOut };
}
