import assert from 'node:assert/strict';
import { link } from './example-link.test-support.ts';
import { isGenerated, parseLinks, parseNeighbours, parseRoutes, parseTables } from './parse-links.ts';
import type { IpAddressRow, IpRouteRow } from './parse-links.ts';
import { planTcfilter } from './tcfilter-plan.ts';

const lo: IpAddressRow = {
  ifname: 'lo',
  flags: ['LOOPBACK', 'UP'],
  addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host' }],
};
const eth0: IpAddressRow = {
  ifname: 'eth0',
  address: '02:42:ac:11:00:02',
  mtu: 1450,
  flags: ['UP'],
  linkinfo: { info_kind: 'veth' },
  addr_info: [
    { family: 'inet', local: '172.17.0.2', prefixlen: 16, scope: 'global' },
    { family: 'inet6', local: 'fd00::2', prefixlen: 64, scope: 'global' },
  ],
};

describe('parseLinks', () => {
  const linkLocal = { family: 'inet6', local: 'fe80::42:acff:fe11:2', prefixlen: 64, scope: 'link' };
  it('keeps links with an address, without loopback and links with an IPv6 link-local address only', () => {
    const others = [[], [linkLocal]].map((addr_info, index) => ({ ...eth0, ifname: `bare${index}`, addr_info }));
    assert.deepEqual(
      parseLinks([lo, eth0, ...others], () => ({ ipv6: link.ipv6 })),
      [link],
    );
  });
  it('keeps all addresses of a link', () => {
    const byHand = { ...linkLocal, local: 'fe80::5' };
    const [found] = parseLinks([{ ...eth0, addr_info: [...(eth0.addr_info ?? []), linkLocal, byHand] }], () => ({ ipv6: link.ipv6 }));
    const added = [linkLocal, byHand].map(({ local }) => ({ family: 'inet6', address: local, prefixLength: 64 }));
    assert.deepEqual(found?.addresses, [...link.addresses, ...added]);
    assert.deepEqual(
      found?.addresses.map((address) => isGenerated(link, address)),
      [false, false, true, false],
    );
  });
  it('sorts by name', () => {
    assert.deepEqual(
      parseLinks([{ ...eth0, ifname: 'net1' }, eth0], () => ({ ipv6: link.ipv6 })).map(({ name }) => name),
      ['eth0', 'net1'],
    );
  });
  it('refuses an unsupported link with its name and type', () => {
    assert.throws(
      () => parseLinks([{ ...eth0, linkinfo: { info_kind: 'wireguard' } }], () => ({ ipv6: link.ipv6 })),
      /Unsupported network interface: eth0 is of type wireguard/,
    );
    const { linkinfo: _, ...physical } = eth0;
    assert.throws(() => parseLinks([physical], () => ({ ipv6: link.ipv6 })), /type physical/);
  });
});

describe('parseRoutes', () => {
  const devices = new Set(['eth0']);
  const cases: [name: string, row: IpRouteRow, destinations: string[]][] = [
    ['default route', { dst: 'default', gateway: '172.17.0.1', dev: 'eth0' }, ['']],
    ['kernel routes are the kernel’s', { dst: '172.17.0.0/16', dev: 'eth0', protocol: 'kernel' }, []],
    ['other devices', { dst: '10.0.0.0/8', dev: 'eth9' }, []],
    ['scoped', { dst: '169.254.1.1', dev: 'eth0', scope: 'link' }, ['169.254.1.1']],
  ];
  for (const [name, row, destinations] of cases) {
    it(name, () =>
      assert.deepEqual(
        parseRoutes([row], 'inet', devices).map(({ destination }) => destination),
        destinations,
      ),
    );
  }
  it("keeps the kernel's route if it shares destination and metric with another route", () => {
    const rows = [
      { dst: '10.1.0.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link', prefsrc: '10.1.0.5' },
      { dst: '10.1.0.0/24', gateway: '10.2.0.1', dev: 'eth0' },
      { dst: '10.2.0.0/24', dev: 'eth0', protocol: 'kernel', scope: 'link' },
    ];
    assert.deepEqual(
      parseRoutes(rows, 'inet', devices).map(({ destination, gateway, source }) => [destination, gateway, source]),
      [
        ['10.1.0.0/24', '', '10.1.0.5'],
        ['10.1.0.0/24', '10.2.0.1', ''],
      ],
    );
  });
  it('keeps gateway, metric and MTU of a route', () => {
    const row = { dst: 'default', gateway: '169.254.1.1', dev: 'eth0', flags: ['onlink'], metric: 50, metrics: [{ mtu: 1400 }] };
    const [route] = parseRoutes([row], 'inet', devices);
    assert.deepEqual([route?.flags, route?.priority, route?.mtu, route?.type], [4, 50, 1400, 1]);
  });
  it('keeps the gateways of a multipath route that are on known links', () => {
    const nexthops = [
      { gateway: '10.0.0.1', dev: 'eth0', weight: 2, flags: [] },
      { gateway: '169.254.1.1', dev: 'eth0', weight: 1, flags: ['onlink'] },
      { gateway: '10.9.0.1', dev: 'other', weight: 1, flags: [] },
    ];
    const [route] = parseRoutes([{ dst: 'default', nexthops }], 'inet', devices);
    assert.deepEqual(
      [route?.device, route?.gateway, route?.nextHops],
      [
        '',
        '',
        [
          { gateway: '10.0.0.1', device: 'eth0', weight: 2, flags: 0 },
          { gateway: '169.254.1.1', device: 'eth0', weight: 1, flags: 4 },
        ],
      ],
    );
    assert.deepEqual(parseRoutes([{ dst: 'default', nexthops: nexthops.slice(2) }], 'inet', devices), []);
  });
  it('keeps IPv6 gateways of IPv4 routes, with a destination that tells the family', () => {
    const via = { family: 'inet6', host: 'fe80::1' };
    const rows = [
      { dst: 'default', via, dev: 'eth0' },
      { dst: '10.0.0.0/8', via, dev: 'eth0' },
      { dst: 'default', nexthops: [{ via, dev: 'eth0', weight: 1, flags: [] }] },
    ];
    assert.deepEqual(
      parseRoutes(rows, 'inet', devices).map(({ destination, gateway, nextHops }) => [destination, gateway, nextHops?.[0]?.gateway]),
      [
        ['0.0.0.0/0', 'fe80::1', undefined],
        ['10.0.0.0/8', 'fe80::1', undefined],
        ['0.0.0.0/0', '', 'fe80::1'],
      ],
    );
  });
  it('keeps a blackhole route, which has no link', () => {
    const [route] = parseRoutes([{ dst: '10.0.0.0/8', type: 'blackhole' }], 'inet', devices);
    assert.deepEqual([route?.device, route?.type], ['', 6]);
  });
  it('keeps a throw route, which continues with the next rule', () => {
    const [route] = parseRoutes([{ dst: '10.0.0.0/8', type: 'throw' }], 'inet', devices);
    assert.deepEqual([route?.device, route?.type], ['', 9]);
  });
  it('keeps the routes of all tables but local and main, in numbers, also over the loopback', () => {
    const numeric = { protocol: '3', type: '1', scope: '253', dev: 'eth0' };
    const rows = [
      { ...numeric, dst: '10.0.0.0/8' },
      { ...numeric, dst: '10.1.0.0/16', table: '100' },
      { ...numeric, dst: '10.2.0.0/16', table: '254' },
      { ...numeric, dst: '10.3.0.0/16', table: '255' },
      { ...numeric, dst: '10.4.0.0/16', table: '7', protocol: '2' },
      { ...numeric, dst: 'default', table: '1000', type: '2', dev: 'lo', scope: '254' },
    ];
    assert.deepEqual(
      parseTables(rows, 'inet', [link]).map(({ destination, table, type, scope, device }) => [destination, table, type, scope, device]),
      [
        ['10.1.0.0/16', 100, 1, 253, 'eth0'],
        ['', 1000, 2, 254, 'lo'],
      ],
    );
  });
  it('translates a scope to its number', () =>
    assert.equal(parseRoutes([{ dst: '1.1.1.1', dev: 'eth0', scope: 'link' }], 'inet', devices)[0]?.scope, 253));
});

describe('parseNeighbours', () => {
  it('keeps static neighbours', () => {
    const rows = [
      { dst: '10.0.0.1', dev: 'eth0', lladdr: '02:00:00:00:00:01', state: ['PERMANENT'] },
      { dst: '10.0.0.2', dev: 'eth0', lladdr: '02:00:00:00:00:02', state: ['REACHABLE'] },
      { dst: '10.0.0.3', dev: 'eth0', state: ['PERMANENT'] },
    ];
    assert.deepEqual(parseNeighbours(rows), [{ address: '10.0.0.1', device: 'eth0', mac: '02:00:00:00:00:01' }]);
  });
});

describe('planTcfilter', () => {
  it('matches the golden file for two links', () => {
    const joined = [
      { link, tap: 'tap0_kata' },
      { link: { ...link, name: 'net1', mtu: 1500 }, tap: 'tap1_kata' },
    ];
    const plan = planTcfilter(joined, false);
    assert.equal(plan.ipBatch, 'link set dev tap0_kata mtu 1450 up\nlink set dev tap1_kata mtu 1500 up\n');
    assert.deepEqual(plan.tcBatch.trimEnd().split('\n').slice(4), [
      'qdisc add dev tap1_kata ingress',
      'qdisc add dev net1 ingress',
      'filter add dev net1 parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev tap1_kata',
      'filter add dev tap1_kata parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev net1',
    ]);
  });
});
