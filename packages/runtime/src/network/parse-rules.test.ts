import assert from 'node:assert/strict';
import { isDefaultRule, parseRules } from './parse-rules.ts';
import type { IpRuleRow, Rule } from './parse-rules.ts';

/** As iproute2 6.1 prints them with -Numeric -details -json. */
const OWN: readonly IpRuleRow[] = [
  { priority: 0, src: 'all', table: '255', protocol: '2' },
  { priority: 32766, src: 'all', table: '254', protocol: '2' },
  { priority: 32767, src: 'all', table: '253', protocol: '2' },
];

describe('parseRules', () => {
  const table = { family: 'inet', action: 1 } as const;
  const cases: [what: string, row: IpRuleRow, rule: Rule][] = [
    [
      'an address',
      { priority: 32765, src: '10.0.0.2', table: '100', protocol: '0' },
      { ...table, priority: 32765, table: 100, source: '10.0.0.2' },
    ],
    [
      'prefixes',
      { priority: 7, src: '10.0.0.0', srclen: 8, dst: '192.0.2.0', dstlen: 24, table: '1000' },
      { ...table, priority: 7, table: 1000, source: '10.0.0.0/8', destination: '192.0.2.0/24' },
    ],
    [
      'a mark, devices, and a bound of the prefix length',
      {
        priority: 50,
        src: 'all',
        fwmark: '0x1',
        fwmask: '0xff',
        iif: 'eth0',
        iif_detached: null,
        oif: 'lo',
        table: '254',
        suppress_prefixlen: 0,
      },
      {
        ...table,
        priority: 50,
        table: 254,
        mark: { value: 1, mask: 255 },
        inputDevice: 'eth0',
        outputDevice: 'lo',
        suppressPrefixLength: 0,
      },
    ],
    [
      'a mark without a mask',
      { priority: 51, src: 'all', fwmark: '0x10', table: '9' },
      { ...table, priority: 51, table: 9, mark: { value: 16, mask: 0xffffffff } },
    ],
    [
      'an inverted rule with TOS, protocol, ports and uids that refuses packets',
      {
        ...{ priority: 60, not: null, src: '10.0.0.0', srclen: 8, tos: '0x10', uid_start: 3, uid_end: 4, ipproto: 'ipproto-6' },
        ...{ sport_start: 1, sport_end: 5, dport: 80, action: '7', protocol: '0' },
      },
      {
        ...{ family: 'inet', priority: 60, action: 7, isInverted: true, source: '10.0.0.0/8', tos: 16, uids: { start: 3, end: 4 } },
        ...{ protocol: 6, sourcePorts: { start: 1, end: 5 }, destinationPorts: { start: 80, end: 80 } },
      },
    ],
    ['a goto', { priority: 70, src: 'all', goto: 32766, unresolved: null }, { family: 'inet', priority: 70, action: 2, goto: 32766 }],
    ['a rule that does nothing', { priority: 80, src: 'all', nop: null }, { family: 'inet', priority: 80, action: 3 }],
  ];
  for (const [what, row, rule] of cases)
    it(what, () => assert.deepEqual(parseRules([...OWN, row], 'inet'), { rules: [rule], leftOut: [] }));

  const leftOut: [what: string, row: IpRuleRow, text: string][] = [
    ['a VRF', { priority: 90, src: 'all', l3mdev: null }, '90: from all l3mdev'],
    ['the id of a tunnel', { priority: 91, src: 'fd00::', srclen: 8, tun_id: 4, table: '4' }, '91: from fd00::/8 tun_id 4'],
    [
      'a group of links, and realms',
      { priority: 92, src: 'all', dst: '10.0.0.1', table: '5', suppress_ifgroup: '4', flow_to: '5' },
      '92: from all to 10.0.0.1 suppress_ifgroup 4 flow_to 5',
    ],
  ];
  for (const [what, row, text] of leftOut)
    it(`${what}: is not copied`, () => assert.deepEqual(parseRules([row], 'inet'), { rules: [], leftOut: [text] }));

  it('a rule at the priority of a default rule is not one', () => {
    assert.deepEqual(
      [
        { priority: 0, src: 'all', table: 'local', protocol: 'kernel' },
        { priority: 32766, src: 'all', table: 'main' },
        { priority: 0, src: 'all', table: '100' },
        { priority: 32766, src: '10.0.0.1', table: 'main' },
        { priority: 32766, src: 'all', table: 'main', iif: 'eth0' },
        { priority: 5, src: 'all', table: 'main' },
      ].map(isDefaultRule),
      [true, true, false, false, false, false],
    );
  });
});
