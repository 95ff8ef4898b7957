/** Several routes of the guest with the same destination and metric: the kernel uses the first. In a network namespace of the host. */
import assert from 'node:assert/strict';
import { AgentOnHost, refusal } from './agent-on-host.ts';

describe('routes with the same destination and metric', function () {
  this.timeout(30_000);
  let host: AgentOnHost;

  type Row = Readonly<Record<string, unknown>>;
  const device = 'net7';
  const via = (gateway: string, more: Row = {}): Row => ({ gateway, device, ...more });
  const [a, b, c] = ['10.9.0.1', '10.9.0.4', '10.9.0.5'].map((gateway) => via(gateway));
  const [six, seven] = ['net7', 'other0'].map((name) => ({ dest: 'fd77::/64', device: name, priority: 1024 }));
  const sixVia = { ...six, gateway: 'fd09::1' };
  const direct = { device, dest: '0.0.0.0/0', scope: 253 };
  const trimmedLines = (text: string): string[] => text.trim().split(/\s*\n\s*/);
  const set = (Routes: readonly unknown[], Multipath: readonly unknown[] = []): Promise<unknown> =>
    host.agent.call('updateRoutes', { routes: { Policy: {}, Routes: Routes as object[], Multipath: Multipath as object[] } });
  const shown = (...args: string[]): string[] => trimmedLines(host.inside('ip', ...args.slice(0, 1), 'route', 'show', ...args.slice(1)));
  before(async () => {
    host = await AgentOnHost.start();
    const IPAddresses = [
      { family: 0 as const, address: '10.9.0.3', mask: '24' },
      { family: 1 as const, address: 'fd09::3', mask: '64' },
    ];
    await host.agent.call('updateInterface', { interface: { name: device, device, hwAddr: '02:00:00:00:00:01', mtu: 1400n, IPAddresses } });
    host.inside('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
    for (const end of ['peer0', 'other0', 'other1']) host.inside('ip', 'link', 'set', end, 'up');
  });
  after(() => host.stop());
  beforeEach(() => set([]));

  const [viaA, viaB, viaC] = [1, 4, 5].map((last) => `default via 10.9.0.${last} dev net7`);
  const steps: [name: string, lists: (Row | undefined)[][], seen: (string | undefined)[][]][] = [
    ['are added in order', [[a, b, c]], [[viaA, viaB, viaC]]],
    ['one more is appended', [[a], [a, b]], [[viaA], [viaA, viaB]]],
    ['the first is removed', [[a, b], [b]], [[viaA, viaB], [viaB]]],
    [
      'the last is removed',
      [
        [a, b, c],
        [a, b],
      ],
      [
        [viaA, viaB, viaC],
        [viaA, viaB],
      ],
    ],
    [
      'one in the middle is removed',
      [
        [a, b, c],
        [a, c],
      ],
      [
        [viaA, viaB, viaC],
        [viaA, viaC],
      ],
    ],
    [
      'change their order',
      [
        [a, b],
        [b, a],
      ],
      [
        [viaA, viaB],
        [viaB, viaA],
      ],
    ],
    ['all are replaced', [[a, b], [c]], [[viaA, viaB], [viaC]]],
    ['all are removed', [[a, b], []], [[viaA, viaB], ['']]],
    [
      'are sent twice',
      [
        [a, b, a],
        [a, b],
      ],
      [
        [viaA, viaB],
        [viaA, viaB],
      ],
    ],
    [
      'a route without an MTU is removed, and the same route with an MTU stays',
      [
        [via('10.9.0.1', { mtu: 1300 }), a, b],
        [via('10.9.0.1', { mtu: 1300 }), b],
      ],
      [
        [`${viaA} mtu 1300`, viaA, viaB],
        [`${viaA} mtu 1300`, viaB],
      ],
    ],
    ['a gateway comes before the link', [[a, direct]], [[viaA, 'default dev net7 scope link']]],
    ['the link comes before a gateway', [[direct, a]], [['default dev net7 scope link', viaA]]],
  ];
  for (const [name, lists, seen] of steps)
    it(name, async () => {
      for (const [index, list] of lists.entries()) {
        await set(list);
        assert.deepEqual(shown('-4', 'default'), seen[index]);
      }
    });
  it('keep their order when the link has lost some of them', async () => {
    await set([a, b, c]);
    host.inside('ip', 'route', 'delete', 'default', 'via', '10.9.0.1');
    await set([a, b, c]);
    assert.deepEqual(shown('-4', 'default'), [viaA, viaB, viaC]);
  });
  it('a route with an IPv6 gateway before one with an IPv4 gateway', async () => {
    const six4 = { dest: '0.0.0.0/0', gateway: 'fe80::1', device };
    await set([], [six4, { nextHops: [{ gateway: '10.9.0.4', device, weight: 1 }] }]);
    assert.deepEqual(shown('-4', 'default'), ['default via inet6 fe80::1 dev net7', viaB]);
  });
  it('of 1.x: all are added', async () => {
    await host.agent.call('updateRoutes', { routes: { Routes: [a, b] as object[] } });
    assert.deepEqual(shown('-4', 'default'), [viaA, viaB]);
    await host.agent.call('updateRoutes', { routes: { Routes: [b] as object[] } });
    assert.deepEqual(shown('-4', 'default'), [viaB]);
  });
  const rowOf = (route: typeof six): string => `fd77::/64 dev ${route?.device} metric 1024`;
  const devices6 = (): string[] => shown('-6', 'fd77::/64').map((line) => line.replace(/ (linkdown|pref medium)/g, ''));
  it('IPv6 routes over two links, and the removal of the first', async () => {
    await set([six, seven]);
    assert.deepEqual(devices6(), [rowOf(six), rowOf(seven)]);
    await set([seven]);
    assert.deepEqual(devices6(), [rowOf(seven)]);
  });
  it('an IPv6 route without a gateway is removed, and the route with a gateway stays', async () => {
    await set([sixVia, six]);
    assert.equal(devices6().length, 2);
    await set([sixVia]);
    assert.deepEqual(devices6(), ['fd77::/64 via fd09::1 dev net7 metric 1024']);
  });
  it('a route that the kernel refuses is named in the error, and the others stay', async () => {
    await set([a, b]);
    const [, message] = await refusal(set([a, b, via('198.51.100.1')]));
    assert.match(message, /route to default via 198\.51\.100\.1 by net7: .*unreachable/);
    await set([a, b]);
    assert.deepEqual(shown('-4', 'default'), [viaA, viaB]);
  });
});
