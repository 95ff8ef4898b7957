/** The agent's network configuration, in a network namespace of the host. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until } from '../support/until.ts';
import { AgentOnHost, refusal } from './agent-on-host.ts';

describe('kata-agent: network', function () {
  this.timeout(30_000);
  let host: AgentOnHost;
  before(async () => (host = await AgentOnHost.start()));
  after(() => host.stop());

  const MAC = '02:00:00:00:00:01';
  const interfaceOf = (address: string) => ({
    name: 'net7',
    device: 'net7',
    hwAddr: MAC,
    mtu: 1400n,
    IPAddresses: [{ family: 0 as const, address, mask: '24' }],
  });

  it('an interface is found by its MAC address and gets name and addresses, which ListInterfaces returns', async () => {
    await host.agent.call('updateInterface', { interface: interfaceOf('10.9.0.2') });
    const { Interfaces } = await host.agent.call('listInterfaces', {});
    const found = Interfaces.find(({ hwAddr }) => hwAddr === MAC);
    assert.deepEqual([found?.name, found?.mtu, found?.IPAddresses[0]], ['net7', 1400n, { family: 0, address: '10.9.0.2', mask: '24' }]);
    assert.ok(Interfaces.some(({ name }) => name === 'lo'));
  });
  it('a second update replaces the address', async () => {
    await host.agent.call('updateInterface', { interface: interfaceOf('10.9.0.3') });
    assert.equal(host.inside('ip', '-4', '-br', 'address', 'show', 'net7').trim().split(/\s+/)[2], '10.9.0.3/24');
  });
  it('IPv6 addresses and routes are usable at once', async () => {
    const IPAddresses = [...interfaceOf('10.9.0.3').IPAddresses, { family: 1 as const, address: 'fd09::3', mask: '64' }];
    await host.agent.call('updateInterface', { interface: { ...interfaceOf(''), IPAddresses } });
    assert.match(host.inside('ip', '-6', 'address', 'show', 'net7'), /inet6 fd09::3\/64 scope global nodad/);
    await host.agent.call('updateRoutes', { routes: { Routes: [{ dest: 'fd0a::/16', gateway: 'fd09::1', device: 'net7' }] } });
    assert.match(host.inside('ip', '-6', 'route', 'show', 'fd0a::/16'), /via fd09::1 dev net7/);
  });
  it('UpdateRoutes replaces all routes', async () => {
    host.inside('ip', 'link', 'set', 'peer0', 'up');
    const toGateway = { dest: '10.9.0.1', device: 'net7', scope: 253 };
    await host.agent.call('updateRoutes', { routes: { Routes: [{ gateway: '10.9.0.1', device: 'net7' }, toGateway] } });
    await host.agent.call('updateRoutes', { routes: { Routes: [toGateway] } });
    const { Routes } = await host.agent.call('listRoutes', {});
    const ours = Routes.filter(({ device, source }) => device === 'net7' && source === '' && !device.startsWith('fe80'));
    assert.deepEqual(
      ours.filter(({ dest }) => dest.startsWith('10.9.0.1')).map(({ dest, scope }) => [dest, scope]),
      [['10.9.0.1', 253]],
    );
    assert.equal(
      ours.some(({ dest }) => dest === ''),
      false,
    );
  });
  it('routes keep a gateway outside of all prefixes, a metric and an MTU', async () => {
    const route = { gateway: '169.254.1.1', device: 'net7', flags: 4, priority: 50, mtu: 1300 };
    await host.agent.call('updateRoutes', { routes: { Routes: [route, { dest: '10.77.0.0/16', type: 6 }] } });
    assert.match(host.inside('ip', 'route', 'show', 'default'), /^default via 169\.254\.1\.1 dev net7 metric 50 onlink mtu 1300/);
  });
  it('IPv4 routes can have IPv6 gateways', async () => {
    const [gateway, device] = ['fe80::1', 'net7'];
    const Multipath = [
      { dest: '0.0.0.0/0', gateway, device },
      { dest: '10.78.0.0/16', nextHops: [gateway, '10.9.0.51'].map((text) => ({ gateway: text, device, weight: 1 })) },
    ];
    await host.agent.call('updateRoutes', { routes: { Multipath } });
    assert.match(host.inside('ip', '-4', 'route', 'show', 'default'), /^default via inet6 fe80::1 dev net7/);
    const seen = host.inside('ip', 'route', 'show', '10.78.0.0/16').replace(/\s+/g, ' ');
    assert.match(seen, /nexthop via inet6 fe80::1 dev net7 weight 1 nexthop via 10\.9\.0\.51 dev net7/);
    const { Routes } = await host.agent.call('listRoutes', {});
    assert.ok(Routes.some((route) => route.dest === '' && route.gateway === gateway));
  });
  it('a route can have several gateways', async () => {
    const nextHops = [2, 1].map((weight) => ({ gateway: `10.9.0.${weight + 50}`, device: 'net7', weight }));
    await host.agent.call('updateRoutes', { routes: { Multipath: [{ nextHops }] } });
    const seen = host.inside('ip', 'route', 'show', 'default').replace(/\s+/g, ' ');
    assert.match(seen, /^default nexthop via 10\.9\.0\.52 dev net7 weight 2 nexthop via 10\.9\.0\.51 dev net7 weight 1/);
  });
  it('UpdateRoutes replaces policy rules and the routes of their tables, and leaves those of other programs', async () => {
    const inTables = (line: string): boolean => / table 100/.test(line);
    const seen = (): [rules: string, routes: string[]] => [
      host.inside('ip', 'rule'),
      host.inside('ip', 'route', 'show', 'table', 'all').split('\n').filter(inTables),
    ];
    host.inside('ip', 'route', 'add', '10.4.0.0/16', 'via', '10.9.0.1');
    host.inside('ip', 'rule', 'add', 'pref', '9', 'from', '192.0.2.0/24', 'blackhole');
    const before = seen();
    const route = { gateway: '10.9.0.1', device: 'net7', table: 100 };
    const rules = [
      { priority: 50, action: 1, table: 100, source: '10.9.0.3', tos: 16, protocol: 6, sourcePorts: { start: 1, end: 5 } },
      { priority: 51, action: 1, table: 1000, isInverted: true, mark: 1, mask: 255, inputDevice: 'gone', suppressPrefixLength: 0 },
      { priority: 52, action: 7, uids: { start: 3, end: 4 } },
      { priority: 53, action: 2, goto: 32766 },
    ];
    const Policy = {
      rules,
      routes: [route, { dest: '10.3.0.0/16', type: 9, table: 100 }, { device: 'lo', type: 2, scope: 254, table: 1000 }],
    };
    await host.agent.call('updateRoutes', { routes: { Policy, Routes: [{ dest: '10.5.0.0/16', gateway: '10.9.0.1', device: 'net7' }] } });
    assert.match(host.inside('ip', 'route'), /10\.4\.0\.0\/16 .*10\.5\.0\.0\/16 via 10\.9\.0\.1/s);
    const [allRules, routes] = seen();
    assert.deepEqual(allRules.trim().split('\n').slice(2, 6), [
      '50:\tfrom 10.9.0.3 tos 0x10 ipproto tcp sport 1-5 lookup 100',
      '51:\tnot from all fwmark 0x1/0xff iif gone [detached] lookup 1000 suppress_prefixlength 0',
      '52:\tfrom all uidrange 3-4 unreachable',
      '53:\tfrom all goto 32766',
    ]);
    assert.deepEqual(
      routes.map((line) => line.trim()),
      ['default via 10.9.0.1 dev net7 table 100', 'throw 10.3.0.0/16 table 100', 'local default dev lo table 1000 scope host'],
    );
    await host.agent.call('updateRoutes', { routes: { Policy: {} } });
    assert.deepEqual(seen(), before);
    const main = host.inside('ip', 'route');
    assert.ok(main.includes('10.4.0.0/16') && !main.includes('10.5.0.0/16'), main);
    await host.agent.call('updateRoutes', { routes: { Policy } });
    await host.agent.call('updateRoutes', { routes: {} });
    assert.equal(seen()[0], allRules, 'a request of 1.x changes no rule');
    assert.doesNotMatch(host.inside('ip', 'route'), /10\.4\.0\.0/);
  });
  it('UpdateRoutes removes nothing that stays', async () => {
    await host.agent.call('updateRoutes', { routes: { Policy: {} } });
    const log = host.scratch.file('monitor');
    const pid = host.inside('sh', '-c', `ip monitor route rule >${log} 2>&1 & echo $!`).trim();
    const seen = (): string => readFileSync(log, 'utf8');
    const marker = ['192.0.2.1', 'via', '10.9.0.1'];
    await until('ip monitor listens', () => {
      host.inside('ip', 'route', 'replace', ...marker);
      return seen().includes('192.0.2.1');
    });
    const stays = { gateway: '10.9.0.1', device: 'net7' };
    const changes = (mtu: number) => ({ dest: '10.6.0.0/16', gateway: '10.9.0.1', device: 'net7', mtu });
    const outdated = { dest: '10.5.0.0/16', gateway: '10.9.0.1', device: 'net7' };
    const rules = [50, 51].map((priority) => ({ priority, action: 1, table: 100, source: '10.9.0.3' }));
    const Policy = { rules, routes: [{ ...stays, table: 100 }] };
    await host.agent.call('updateRoutes', { routes: { Policy, Routes: [stays, changes(1400), outdated] } });
    await host.agent.call('updateRoutes', { routes: { Policy: { ...Policy, rules: rules.slice(1) }, Routes: [stays, changes(1300)] } });
    assert.match(host.inside('ip', 'route', 'show', '10.6.0.0/16'), /mtu 1300/);
    host.inside('ip', 'route', 'del', ...marker);
    await until('ip monitor has the last change', () => /Deleted 192\.0\.2\.1/.test(seen()));
    host.inside('kill', pid);
    const removed = seen()
      .split('\n')
      .flatMap((line) => /^Deleted (\S+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(removed, ['50:', '10.5.0.0/16', '192.0.2.1']);
    await host.agent.call('updateRoutes', { routes: { Policy: {} } });
  });
  it('UpdateRoutes with a new gateway that an earlier policy rule hides', async () => {
    const rules = [{ priority: 40, action: 6, destination: '10.60.0.0/24' }];
    await host.agent.call('updateRoutes', { routes: { Policy: { rules } } });
    const [dest, device] = ['10.60.0.0/24', 'net7'];
    const Routes = [
      { dest, device, scope: 253 },
      { dest: '10.61.0.0/16', gateway: '10.60.0.1', device },
    ];
    await host.agent.call('updateRoutes', { routes: { Policy: { rules }, Routes } });
    assert.match(host.inside('ip', 'route', 'show', '10.61.0.0/16'), /via 10\.60\.0\.1 dev net7/);
    assert.match(host.inside('ip', 'rule'), /^40:\tfrom all to 10\.60\.0\.0\/24 blackhole$/m);
    await host.agent.call('updateRoutes', { routes: { Policy: {} } });
    assert.equal(host.inside('ip', 'route', 'show', '10.61.0.0/16'), '');
    assert.doesNotMatch(host.inside('ip', 'rule'), /^40:/m);
  });
  const linkLocal: [name: string, addresses: string[], mode: string][] = [
    ['the one of its MAC address', ['fe80::ff:fe00:1'], '0'],
    ['one that was set by hand', ['fe80::5'], '1'],
    ['both', ['fe80::5', 'fe80::ff:fe00:1'], '0'],
  ];
  for (const [name, addresses, mode] of linkLocal)
    it(`a link has the link-local addresses of the request, and uses them at once: ${name}`, async () => {
      host.inside('ip', 'link', 'set', 'peer0', 'up');
      const IPAddresses = addresses.map((address) => ({ family: 1 as const, address, mask: '64' }));
      await host.agent.call('updateInterface', {
        interface: { ...interfaceOf(''), IPAddresses: [...interfaceOf('10.9.0.2').IPAddresses, ...IPAddresses] },
      });
      const shown = host.inside('ip', '-6', '-o', 'address', 'show', 'dev', 'net7').trim().split('\n');
      const found = shown.map((line) => /inet6 (\S+)\/64 scope link (\w*)/.exec(line)?.slice(1, 3).join(' '));
      assert.deepEqual(found.sort(), addresses.map((address) => `${address} nodad`).sort());
      assert.equal(host.inside('cat', '/proc/sys/net/ipv6/conf/net7/addr_gen_mode').trim(), mode);
    });
  const ipv6: [name: string, settings: object, expected: string][] = [
    ['no IPv6, no router advertisements', { no_ipv6: true }, '1 0'],
    ['IPv6 without router advertisements', {}, '0 0'],
    ['IPv6 with router advertisements', { accept_ra: true }, '0 1'],
  ];
  for (const [name, settings, expected] of ipv6)
    it(`a link has ${name}, as in the namespace`, async () => {
      await host.agent.call('updateInterface', { interface: { ...interfaceOf('10.9.0.2'), ...settings } });
      const read = 'cat /proc/sys/net/ipv6/conf/net7/disable_ipv6 /proc/sys/net/ipv6/conf/net7/accept_ra';
      assert.equal(host.inside('sh', '-c', `echo $(${read})`).trim(), expected);
    });
  it('new links and the loopback have no IPv6, as in the namespace; the link has its own setting', async () => {
    await host.agent.call('updateInterface', { interface: { ...interfaceOf('10.9.0.2'), no_ipv6_of: ['all', 'default', 'lo'] } });
    const read = () =>
      host.inside(
        'sh',
        '-c',
        'cd /proc/sys/net/ipv6/conf; echo $(cat all/disable_ipv6 default/disable_ipv6 lo/disable_ipv6 net7/disable_ipv6)',
      );
    assert.equal(read().trim(), '1 1 1 0');
    host.inside('sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/net7/disable_ipv6');
    await host.agent.call('updateInterface', {
      interface: { ...interfaceOf('10.9.0.2'), no_ipv6: true, no_ipv6_of: ['all', 'default', 'lo'] },
    });
    assert.equal(read().trim(), '1 1 1 1');
  });
  it('a link has the sysctls that are sent with it; those that the kernel does not have change nothing', async () => {
    const sysctls = { 'ipv4/conf/rp_filter': '2', 'ipv4/neigh/ucast_solicit': '7', 'ipv6/conf/of_a_newer_kernel': '1' };
    await host.agent.call('updateInterface', { interface: { ...interfaceOf('10.9.0.2'), sysctls } });
    const read = 'cd /proc/sys/net/ipv4; echo $(cat conf/net7/rp_filter neigh/net7/ucast_solicit)';
    assert.equal(host.inside('sh', '-c', read).trim(), '2 7');
  });
  it('a request gives a device the name that another device has; the other device gets its own name afterwards', async () => {
    host.inside('ip', 'link', 'add', 'swap0', 'address', '02:00:00:00:00:a0', 'type', 'veth', 'peer', 'name', 'swap1');
    host.inside('ip', 'link', 'set', 'swap1', 'address', '02:00:00:00:00:a1');
    for (const [name, hwAddr] of [
      ['swap1', '02:00:00:00:00:a0'],
      ['swap0', '02:00:00:00:00:a1'],
    ] as const)
      await host.agent.call('updateInterface', { interface: { name, device: name, hwAddr } });
    const address = (name: string): string => host.inside('cat', `/sys/class/net/${name}/address`).trim();
    assert.deepEqual([address('swap1'), address('swap0')], ['02:00:00:00:00:a0', '02:00:00:00:00:a1']);
    host.inside('ip', 'link', 'delete', 'swap0');
  });
  it('two devices with one MAC address are configured each', async () => {
    const hwAddr = '02:00:00:00:00:b0';
    for (const name of ['twin0', 'twin1'])
      host.inside('ip', 'link', 'add', name, 'address', hwAddr, 'type', 'veth', 'peer', 'name', `${name}-peer`);
    const names = ['one', 'two'];
    for (const [index, name] of names.entries()) {
      const IPAddresses = [{ family: 0 as const, address: `10.19.${index}.2`, mask: '24' }];
      await host.agent.call('updateInterface', { interface: { name, device: name, hwAddr, IPAddresses } });
    }
    const address = (name: string): string | undefined => host.inside('ip', '-4', '-br', 'address', 'show', name).trim().split(/\s+/)[2];
    assert.deepEqual(names.map(address), ['10.19.0.2/24', '10.19.1.2/24']);
    for (const name of names) host.inside('ip', 'link', 'delete', name);
  });
  it('AddARPNeighbors adds static neighbours', async () => {
    const row = { toIPAddress: { family: 0 as const, address: '10.9.0.9' }, device: 'net7', lladdr: '02:00:00:00:00:09', state: 128 };
    await host.agent.call('addARPNeighbors', { neighbors: { ARPNeighbors: [row] } });
    assert.match(host.inside('ip', 'neighbour', 'show', 'dev', 'net7'), /10\.9\.0\.9 lladdr 02:00:00:00:00:09 PERMANENT/);
  });
  const wrong: [name: string, act: () => Promise<unknown>, code: number, text: RegExp][] = [
    ['no interface', () => host.agent.call('updateInterface', {}), 3, /^Need network interface$/],
    ['an interface without an address', () => host.agent.call('updateInterface', { interface: {} }), 3, /^Interface HwAddr empty$/],
    ['no routes', () => host.agent.call('updateRoutes', {}), 3, /^Need network routes$/],
    [
      'a device that is not there',
      () => host.agent.call('updateRoutes', { routes: { Routes: [{ dest: '10.0.0.0/8', device: 'none' }] } }),
      13,
      /none/,
    ],
    ['a name with blanks', () => host.agent.call('updateInterface', { interface: { hwAddr: MAC, name: 'a b' } }), 3, /invalid name/],
  ];
  for (const [name, act, code, text] of wrong) {
    it(`${name} is refused`, async () => {
      const [found, message] = await refusal(act());
      assert.match(message, text);
      assert.equal(found, code);
    });
  }
});
